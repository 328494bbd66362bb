import Datasets
import Engine
import Images
import Support
import Tokenizers

/// A long irrelevant context with one relevant fact, and a question about it.
struct Haystack {
    /// The prompt.
    let messages: [ChatMessage]
    /// The prompt's images.
    let images: [InputProcessor.Image]
    /// The word that a right answer contains.
    let answer: String

    /// About `length` tokens of sentences. At the share `depth` of them, one sentence gives the number asked for.
    init(textOf length: Int, depth: Double, seed: UInt64, tokenizer: Tokenizer) {
        var generator = SplitMix64(seed: seed)
        let name = generator.draw(from: Self.names)
        let number = "\(generator.draw(1_000...9_999))"
        let question = "\n\nWhat is the secret number of \(name)? Answer with the number alone."
        let needle = " The secret number of \(name) is \(number)."
        func count(_ text: String) -> Int { tokenizer.encode(text, special: .asText).count }
        var room = length - count(needle + question)
        var sentences: [String] = []
        while true {
            let sentence = " " + generator.draw(from: Self.sentences)
            room -= count(sentence)
            if room < 0 { break }
            sentences.append(sentence)
        }
        sentences.insert(needle, at: Int((depth * Double(sentences.count)).rounded()))
        messages = [ChatMessage(role: .user, content: [.text(String(sentences.joined().dropFirst()) + question)])]
        images = []
        answer = number
    }

    /// Numbered images of one shape each. The question asks for the colour in the image at the share `depth` of them.
    init(images count: Int, depth: Double, seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        let scenes = (0..<count).map { _ in
            ShapeScene(seed: SeedSplit.test.seed(at: UInt64(generator.draw(0...999_999))), count: 1...1)
        }
        let asked = min(count - 1, Int((depth * Double(count - 1)).rounded()))
        let parts = scenes.indices.flatMap { [ChatMessage.Part.text("Picture \($0 + 1): "), .image($0), .text("\n")] }
        let question = "What color is the shape in picture \(asked + 1)?"
        messages = [ChatMessage(role: .user, content: parts + [.text(question)])]
        images = scenes.map { InputProcessor.Image(image: $0.image) }
        answer = scenes[asked].objects[0].colour.rawValue
    }

    private static let names = ["Anna", "Boris", "Clara", "David", "Emma", "Felix", "Greta", "Hugo"]

    private static let sentences = [
        "The train to the coast leaves at eight and stops in every village.", "Rain fell on the roofs all night.",
        "A baker opened the shutters and put fresh bread in the window.", "The river is wide here and flows slowly.",
        "Two children followed a cat along the garden wall.", "Nobody remembers who planted the old pear tree.",
        "In the library the clocks tick a little out of step.", "The mayor promised to repair the bridge by autumn.",
        "Her bicycle has a basket full of apples and letters.", "The mountain was hidden in the clouds until noon.",
        "A fisherman mended his net and whistled an old song.", "The market sells cheese, honey and woollen socks.",
        "They painted the door green because the blue was gone.", "A kite got stuck in the branches of the oak.",
        "The museum shows maps that are older than the city.", "Snow came early and the road was closed for a week.",
        "The teacher wrote three words on the board and smiled.", "An owl lives in the tower of the small church.",
        "The ferry carries cars, goats and a piano today.", "He counted the stars and fell asleep on the deck.",
    ]
}
