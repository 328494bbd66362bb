import Datasets

/// The words that the judge knows, in `AnswerText`'s spelling.
enum AnswerVocabulary {
    /// Nouns of forms, singular and plural. A square is a rectangle whose sides are alike.
    static let shapes: [String: SceneShape] = {
        var shapes: [String: SceneShape] = [
            "crosses": .cross, "square": .rectangle, "squares": .rectangle, "boxes": .rectangle, "box": .rectangle,
            "disc": .circle, "discs": .circle, "disk": .circle, "disks": .circle, "dot": .circle, "dots": .circle,
            "donut": .ring, "donuts": .ring, "plus": .cross,
        ]
        for shape in SceneShape.allCases {
            shapes[shape.rawValue] = shape
            if shape != .cross { shapes[shape.rawValue + "s"] = shape }
        }
        return shapes
    }()

    /// Nouns that name a thing without saying what it is.
    static let generic: Set<String> = [
        "shape", "shapes", "thing", "things", "object", "objects", "item", "items", "figure", "figures", "form",
        "forms", "ones",
    ]

    /// Nouns before a written character.
    static let written: Set<String> = ["digit", "number", "numeral", "figure", "letter", "character"]

    /// The generator's colours, and others that answers may name.
    static let colours = Set(SceneColour.allCases.map(\.rawValue)).union([
        "white", "cyan", "magenta", "gold", "silver", "beige", "maroon", "navy", "lime", "turquoise", "indigo", "tan",
        "olive",
    ])

    /// Words of size; true for large.
    static let sizes = [
        "large": true, "larger": true, "largest": true, "small": false, "smaller": false, "smallest": false,
    ]

    /// Whether the word can stand between a determiner and its noun.
    static func isAdjective(_ word: String) -> Bool {
        colours.contains(word) || sizes[word] != nil || adjectives.contains(word)
    }

    private static let adjectives: Set<String> = [
        "bright", "dark", "light", "pale", "deep", "solid", "filled", "plain", "single", "lone", "same", "different",
        "whole", "empty", "hollow", "thin", "thick", "simple", "geometric", "tall", "wide", "narrow", "long", "short",
        "round", "colored", "colorful", "medium", "sized", "first", "second", "third", "last", "other", "more",
        "written", "printed", "handwritten", "leftmost", "rightmost", "total", "blank", "very", "main",
    ]

    /// Words that begin a phrase about a thing.
    static let determiners: Set<String> = [
        "a", "an", "the", "this", "that", "these", "those", "no", "any", "another", "each", "every", "some", "many",
        "several", "all", "both", "its", "only", "just", "exactly",
    ]

    /// Nouns that claim no thing: the picture itself, its places, and words about things.
    static let neutral: Set<String> = [
        "picture", "pictures", "image", "photo", "scene", "drawing", "background", "side", "corner", "edge", "top",
        "bottom", "left", "right", "center", "half", "part", "place", "position", "area", "region", "quarter", "row",
        "column", "pair", "group", "set", "total", "kind", "kinds", "type", "types", "color", "colors", "size",
        "sizes", "count", "number", "numbers", "digit", "digits", "numeral", "letter", "letters", "character",
        "answer", "question", "bit", "lot", "few", "couple", "rest", "others", "word", "way", "space", "page",
        "canvas", "view", "foreground", "front", "end", "one", "nothing", "hand", "order", "time", "name", "place",
        "date", "year", "maker", "reason", "owner", "price", "age", "weight", "smell", "sound", "taste", "artist",
    ]

    /// Words that no noun phrase goes across.
    static let functionWords: Set<String> = [
        "is", "are", "was", "were", "be", "am", "do", "does", "has", "have", "can", "will", "not", "and", "or", "nor",
        "but", "than", "that", "which", "who", "with", "without", "of", "to", "in", "on", "at", "by", "from", "as",
        "for", "into", "below", "above", "beside", "near", "next", "between", "behind", "there", "it", "they", "i",
        "you", "we", "here", "where", "what", "if", "because", "so", "while", "shows", "show", "see", "seen", "shown",
        "contains", "contain", "visible", "present", "drawn", "placed", "located", "appears", "looks", "sits", "lies",
        "stands", "a", "an", "the", "this", "these", "those", "no", "too", "also", "alone", "together", "altogether",
        "left", "right", "tell", "say", "says", "reads", "about", "like", "them", "each", "both", "all",
    ]

    /// The word that stands for all of the same meaning where an answer is compared with the right words.
    static func canonical(_ word: String) -> String {
        if word == "squares" { return "square" }
        return word == "square" ? word : shapes[word]?.rawValue ?? word
    }
}
