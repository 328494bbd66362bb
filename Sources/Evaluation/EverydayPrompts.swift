/// 200 everyday prompts without an image, to measure whether replies end by themselves. Written for this project; no
/// stage of training reads them.
public enum EverydayPrompts {
    /// In a fixed order.
    public static let all = short + filled

    private static let short = [
        "hi", "hello", "hey there", "Good morning!", "Good evening", "How are you?", "hi, who are you?",
        "What is your name?", "thanks", "thank you so much", "bye", "see you tomorrow", "ok", "yes", "no",
        "what can you do?", "help", "I have a question.", "Are you a robot?", "Tell me something.",
        "I am tired today.", "I am so happy!", "My friend is ill.", "It is my birthday.", "What day is it?",
        "hello hello", "Nice to meet you.", "Do you speak English?", "sorry", "I need some advice.",
    ]

    private static let filled = templates.flatMap { template, words in
        words.map { template.replacing("*", with: $0) }
    }

    private static let templates: [(String, [String])] = [
        (
            "What is *?",
            [
                "a lighthouse", "a passport", "yeast", "a comet", "a guitar", "a mortgage", "fog", "a compass",
                "chess", "a marathon",
            ]
        ),
        (
            "Where is *?",
            [
                "Lisbon", "Lake Victoria", "the Nile", "Iceland", "Mount Fuji", "Cuba", "the Black Sea", "Nepal",
                "Vienna", "Chile",
            ]
        ),
        (
            "How do I *?",
            [
                "boil an egg", "fold a shirt", "clean a window", "tie a tie", "water a cactus", "wrap a present",
                "fix a flat tyre", "make pancakes", "stop hiccups", "draw a horse",
            ]
        ),
        (
            "Write one sentence about *.",
            [
                "a parrot", "the desert", "a violin", "winter", "a bridge", "a clown", "the wind", "an old car",
                "a library", "breakfast",
            ]
        ),
        (
            "Translate to French: *",
            [
                "The house is small.", "I like apples.", "Where is the station?", "It is raining.",
                "My sister is a doctor.", "We are late.", "The cat sleeps.", "I am hungry.", "Good luck!",
                "See you soon.",
            ]
        ),
        (
            "What is the opposite of *?",
            [
                "hot", "fast", "heavy", "early", "loud", "empty", "soft", "brave", "narrow", "sweet",
            ]
        ),
        (
            "Give me three words that describe *.",
            [
                "a tiger", "the ocean", "a grandmother", "a thunderstorm", "a city", "a soldier", "honey",
                "a kitten", "a mountain", "music",
            ]
        ),
        (
            "Is * healthy?",
            [
                "swimming", "chocolate", "coffee", "dancing", "fasting", "white bread", "gardening", "yoghurt",
                "working late", "laughing",
            ]
        ),
        (
            "Name a famous *.",
            [
                "painter", "river", "scientist", "song", "bridge", "queen", "novel", "explorer", "building",
                "athlete",
            ]
        ),
        (
            "Why is * important?",
            [
                "sleep", "honesty", "clean water", "school", "play", "voting", "trust", "exercise", "shade",
                "history",
            ]
        ),
        (
            "Summarise in one sentence: *",
            [
                "The match was called off because of rain, and the fans went home.",
                "Anna lost her keys, looked everywhere, and found them in her pocket.",
                "The shop opens at nine and closes at six, but not on Sundays.",
                "The team worked all night and finished the bridge by morning.",
                "Bread needs flour, water, salt and time.",
                "The dog barked at the postman, who dropped the letters.",
                "The town built a park where the factory had stood.",
                "Tom missed the bus, so he walked and arrived wet.",
                "The recipe is simple, but the oven must be hot.",
                "The old radio still plays, though the dial is broken.",
            ]
        ),
        (
            "What should I pack for *?",
            [
                "a day at a lake", "a week in Norway", "a camping trip", "a school trip", "a flight", "a picnic",
                "a hospital stay", "a bike tour", "a wedding", "a move",
            ]
        ),
        (
            "What rhymes with *?",
            [
                "cat", "moon", "tree", "light", "rain", "bell", "fish", "stone", "cake", "snow",
            ]
        ),
        (
            "Ask me a question about *.",
            [
                "my job", "books", "food", "sports", "my family", "travel", "films", "dreams", "animals", "school",
            ]
        ),
        (
            "Fix the spelling: *",
            [
                "I recieve mail.", "Tomorow is Monday.", "She is my freind.", "The wether is nice.",
                "It is definately true.", "We beleive you.", "A wierd noise.", "The begining was slow.",
                "I will seperate them.", "He is adress unknown.",
            ]
        ),
        (
            "Write a title for a story about *.",
            [
                "a lost shoe", "a flying whale", "two rivals", "a secret door", "the last bus", "a talking clock",
                "a stormy night", "a tiny king", "a snow fort", "an honest thief",
            ]
        ),
        (
            "Say * in a friendly way.",
            [
                "no", "you are late", "please be quiet", "I disagree", "wait here", "move over", "call me back",
                "I forgot", "it is too expensive", "we are closed",
            ]
        ),
    ]
}
