/// A kind of thing that every artist of pictograms has drawn.
package struct Pictogram: Sendable, Equatable {
    /// The character of Unicode.
    package let scalar: Unicode.Scalar
    /// Its name in answers.
    package let name: String
    /// Other names that are as right.
    package let others: [String]

    private init(_ code: UInt32, _ name: String, _ others: [String]) {
        scalar = Unicode.Scalar(code) ?? " "
        self.name = name
        self.others = others
    }

    /// The name in a sentence: "an apple".
    var phrase: String {
        Self.uncounted.contains(name) || name.hasSuffix("s") && name != "octopus" && name != "cactus" && name != "bus"
            ? name : "\("aeiou".contains(name.prefix(1)) || name == "hourglass" ? "an" : "a") \(name)"
    }

    private static let uncounted: Set<String> = [
        "bread", "coffee", "beer", "wine", "fire", "corn", "pizza", "ice cream",
    ]

    /// All kinds.
    package static let all: [Pictogram] = table.split(separator: "\n").map { line in
        let parts = line.split(separator: " ", maxSplits: 1)
        let names = parts[1].split(separator: ",").map { String($0.drop { $0 == " " }) }
        return Pictogram(UInt32(parts[0], radix: 16) ?? 0, names[0], Array(names.dropFirst()))
    }

    private static let table = """
        1F436 dog, puppy
        1F431 cat, kitten
        1F42D mouse, rat
        1F430 rabbit, bunny, hare
        1F434 horse, pony
        1F42E cow, bull, ox
        1F437 pig
        1F412 monkey, ape
        1F43B bear
        1F43C panda
        1F418 elephant
        1F40D snake
        1F422 turtle, tortoise
        1F41F fish
        1F433 whale
        1F42C dolphin
        1F419 octopus
        1F40C snail
        1F41D bee
        1F41E ladybug, beetle, ladybird
        1F427 penguin
        1F414 chicken, hen, rooster
        1F438 frog
        1F411 sheep, lamb
        1F42B camel
        1F34E apple
        1F34C banana
        1F347 grapes, grape
        1F349 watermelon, melon
        1F353 strawberry
        1F352 cherries, cherry
        1F34D pineapple
        1F345 tomato
        1F33D corn, maize
        1F355 pizza
        1F354 hamburger, burger
        1F35E bread, loaf, toast
        1F382 cake
        1F366 ice cream
        1F369 doughnut, donut
        1F36D lollipop, candy
        1F36A cookie, biscuit
        2615 coffee, tea, cup
        1F37A beer, mug
        1F377 wine
        1F697 car
        1F68C bus
        1F69A truck, lorry, van
        1F6B2 bicycle, bike
        2708 airplane, plane, aeroplane
        1F6A2 ship
        1F682 train, locomotive
        1F680 rocket
        26F5 sailboat, boat
        1F681 helicopter
        1F3E0 house, home
        26EA church
        2602 umbrella
        1F511 key
        1F512 lock, padlock
        1F514 bell
        1F4D5 book
        270F pencil, pen
        2702 scissors
        1F4F7 camera
        260E telephone
        1F4F1 smartphone, phone, cellphone
        1F4BB computer, laptop
        1F4FA television, tv
        1F4A1 light bulb, bulb, lamp
        23F0 alarm clock, clock
        231B hourglass
        2709 envelope, letter, mail
        1F381 gift, present
        1F388 balloon
        1F451 crown
        1F453 glasses, spectacles
        1F460 shoe, heel
        1F455 shirt, t-shirt
        1F457 dress
        1F3A9 hat
        1F48D ring
        1F3B8 guitar
        1F3BA trumpet
        1F3BB violin
        26BD football, soccer ball, ball
        1F3C0 basketball
        1F3C6 trophy, cup
        2600 sun
        1F319 moon, crescent
        2B50 star
        2601 cloud
        26C4 snowman
        2744 snowflake
        1F525 fire, flame
        1F333 tree
        1F334 palm tree, palm
        1F335 cactus
        1F339 rose
        1F33B sunflower
        1F337 tulip
        1F344 mushroom
        2764 heart
        1F480 skull
        1F47B ghost
        2693 anchor
        1F528 hammer
        1F527 wrench, spanner
        1F4A3 bomb
        1F50D magnifying glass, magnifier
        1F50B battery
        1F4CE paper clip, paperclip
        """
}
