import Support

/// Everyday text prompts for self-distilled replay: the base model answers them before training, and training keeps the
/// policy close to those answers so that plain chat does not degrade.
///
/// The prompts are made from templates and word lists, so that they belong to no published test set.
public struct ReplayPrompts: Sendable, Equatable {
    /// Prompts for training, in random order.
    public let training: [String]
    /// One prompt in twenty, for evaluation.
    public let heldOut: [String]

    /// Draws up to `perTopic` different prompts for each topic. The same seed gives the same lists. A prompt's text
    /// decides its list, so no seed moves a prompt from one list to the other.
    public init(seed: UInt64, perTopic: Int = 80) {
        var generator = SplitMix64(seed: seed)
        var drawn: [String] = []
        for topic in ReplayTopic.allCases {
            drawn += generator.shuffled(topic.prompts).prefix(perTopic)
        }
        drawn = generator.shuffled(drawn)
        training = drawn.filter { !Self.isHeldOut($0) }
        heldOut = drawn.filter(Self.isHeldOut)
    }

    /// Decides by FNV-1a's 64-bit hash of the text.
    private static func isHeldOut(_ prompt: String) -> Bool {
        let hash = prompt.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return (hash >> 32) % 20 == 0
    }
}

/// The topics of replay prompts, each with all combinations of its templates and words.
enum ReplayTopic: CaseIterable {
    case smallTalk, explanations, facts, advice, lists, stories, rewriting, code, arithmetic, opinions

    /// All prompts of the topic, without repetition, in a fixed order.
    var prompts: [String] {
        switch self {
        case .smallTalk: Self.greetings
        case .explanations:
            fill(
                [
                    "What is *?", "Explain * in simple words.", "How does * work?", "Explain * to a child.",
                    "Give a short definition of *.",
                ],
                Self.subjects)
        case .facts:
            fill(["What is the capital of *?", "Where is *?", "Name two things that * is known for."], Self.countries)
                + fill(["What do * eat?", "Where do * live?", "Tell me an interesting fact about *."], Self.animals)
        case .advice:
            fill(["How can I *?", "Give me three tips to *.", "What is the first step to *?"], Self.goals)
        case .lists:
            fill(["List five *.", "Name three *.", "Write a numbered list of four *."], Self.things)
        case .stories:
            fill(
                [
                    "Write a very short story about *.", "Write a four-line poem about *.",
                    "Describe * in two sentences.",
                ],
                Self.heroes)
        case .rewriting:
            fill(
                [
                    "Rewrite this sentence politely: “*”", "Correct the grammar: “*”", "Make this shorter: “*”",
                    "Say the same in other words: “*”",
                ],
                Self.sentences)
        case .code:
            fill(
                [
                    "Write a Python function that *.", "Write a JavaScript function that *.",
                    "How would you write a program that *?",
                ],
                Self.tasks)
        case .arithmetic: Self.sums
        case .opinions:
            fill(["Is * a good idea? Why?", "What are the pros and cons of *?", "Why do people enjoy *?"], Self.habits)
        }
    }

    private func fill(_ templates: [String], _ words: [String]) -> [String] {
        templates.flatMap { template in words.map { template.replacing("*", with: $0) } }
    }
}

extension ReplayTopic {
    private static let greetings = [
        "Hello!", "Hi, how are you?", "Good morning!", "Who are you?", "What can you do?", "Can you help me?",
        "Thank you very much.", "I am bored. What should I do?", "Tell me a joke.", "Tell me something nice.",
        "I had a bad day.", "I am happy today!", "What should I cook tonight?", "Say hello in three languages.",
        "What is your favourite colour?", "Good night!", "Do you like music?", "Can you keep a secret?",
        "Please answer with one word: are you ready?", "How should I greet my new neighbours?",
    ]

    private static let subjects = [
        "gravity", "photosynthesis", "the water cycle", "electricity", "a black hole", "democracy", "inflation",
        "a volcano", "the moon", "a computer program", "the internet", "a vaccine", "evolution", "an earthquake",
        "a rainbow", "sound", "a magnet", "an atom", "climate", "friendship", "a battery", "a telescope",
        "the human heart", "recycling", "a budget",
    ]

    private static let countries = [
        "France", "Japan", "Brazil", "Egypt", "Canada", "Italy", "India", "Kenya", "Norway", "Mexico", "Australia",
        "Spain", "China", "Peru", "Greece",
    ]

    private static let animals = [
        "penguins", "elephants", "honey bees", "owls", "dolphins", "camels", "frogs", "spiders", "wolves", "bats",
        "octopuses", "giraffes", "hedgehogs", "sea turtles", "ants",
    ]

    private static let goals = [
        "sleep better", "learn a new language", "save money", "prepare for an exam", "cook rice", "write a letter",
        "grow tomatoes", "stay healthy", "make new friends", "tidy my room", "plan a trip", "learn to swim",
        "speak in public", "read more books", "train a puppy", "start running", "remember names", "be more patient",
        "bake bread", "find a job", "use less electricity", "write a good email",
    ]

    private static let things = [
        "fruits", "kitchen tools", "musical instruments", "sports", "planets", "countries in Europe", "farm animals",
        "things to take to the beach", "ideas for a birthday party", "healthy snacks", "jobs in a hospital",
        "words that rhyme with “day”", "uses for a paper clip", "famous inventions", "kinds of weather",
        "reasons to learn to read", "rules for a library", "vegetables", "gifts for a friend", "trees",
        "games for two people", "ways to say thank you",
    ]

    private static let heroes = [
        "a lost cat", "a brave little robot", "an old lighthouse", "the first snow", "a talking tree",
        "two friends in a boat", "a dragon who is afraid of fire", "a rainy afternoon", "a magic pencil",
        "a train at night", "a baker and a mouse", "a journey to the moon", "a garden in spring", "a shy ghost",
        "a market in the morning", "a letter that came too late", "the sea", "a mountain village", "a broken clock",
        "a child and a kite",
    ]

    private static let sentences = [
        "Send me the report now.", "Me and him goes to school every day.", "I can't come to the meeting tomorrow.",
        "The movie was very, very, very long and I did not like it.", "She don't know where is the station.",
        "Give me your seat.", "It is raining, so because of that we will stay at home today.",
        "Yesterday I buyed two apple.", "You are late again.", "The food in this restaurant is bad.",
        "He have three cats and a dog.", "Close the door!", "The bus was late, and that is why I was late too.",
        "There is many people in the park.", "Tell me what you want.", "I want a refund for this product.",
    ]

    private static let tasks = [
        "adds two numbers", "reverses a string", "finds the largest number in a list", "counts the vowels in a word",
        "checks whether a number is even", "sorts a list of names", "prints the numbers from 1 to 10",
        "computes the average of a list", "removes duplicates from a list", "checks whether a word is a palindrome",
        "converts Celsius to Fahrenheit", "computes a factorial", "counts the words in a text",
        "finds the smallest of three numbers", "says whether a year is a leap year", "joins words with commas",
        "reads a file line by line", "rolls two dice",
    ]

    private static let sums: [String] = {
        var generator = SplitMix64(seed: 1)
        let templates = [
            "What is # + #?", "What is # - #?", "What is # times #?", "I have # apples and get # more. How many?",
            "Which is larger, # or #?", "A book costs # dollars and a pen # dollars. What do both cost?",
            "A train goes # km in one hour. How far does it go in # hours?", "Count from # to #.",
        ]
        let filled = templates.flatMap { template in
            (0..<12).map { _ in
                var numbers = [generator.draw(10...60), generator.draw(2...9)]
                if template.hasPrefix("Count") { numbers = [numbers[1], numbers[1] + 8] }
                let parts = template.split(separator: "#", omittingEmptySubsequences: false)
                return "\(parts[0])\(numbers[0])\(parts[1])\(numbers[1])\(parts[2])"
            }
        }
        return Set(filled).sorted()
    }()

    private static let habits = [
        "walking to work", "keeping a diary", "working at night", "living in a big city", "having a pet",
        "learning chess", "eating breakfast", "reading the news every day", "travelling alone", "playing video games",
        "sharing a flat", "collecting stamps", "cooking at home", "getting up early", "watching old films",
        "taking cold showers", "riding a bicycle", "singing in a choir",
    ]
}
