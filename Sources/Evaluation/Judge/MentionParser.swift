import Datasets

/// A thing that a text names.
struct Mention {
    /// Its form; nil if the noun names none.
    var shape: SceneShape?
    /// Whether the noun demands sides of equal length.
    var isSquare = false
    /// The colour before the noun.
    var colour: String?
    /// Whether the size before the noun is large; nil for no size.
    var isLarge: Bool?
    /// The characters, for a written thing.
    var glyphs: String?
    /// The noun of a thing that no generated image shows.
    var stranger: String?
    /// The number before the noun, if there is one.
    var count: Int?
    /// Whether the noun is "one" or "ones".
    var isPronoun = false
    /// Whether the noun is a plural.
    var isPlural = false
    /// Whether "a" or "an" introduces it.
    var isIndefinite = false
    /// Whether the text says that it is absent.
    var isDenied = false
    /// The colour after a verb ("the star is red").
    var claimedColour: String?
    /// Whether the size after a verb is large; nil for no size.
    var claimedSize: Bool?
    /// Its tokens, including the determiner.
    var range: Range<Int>

    /// Whether the noun names no kind of thing.
    var isGeneric: Bool { shape == nil && glyphs == nil && stranger == nil }

    /// Whether neither noun nor adjectives say anything about it.
    var isBare: Bool { isGeneric && colour == nil && isLarge == nil }

    /// Whether the mention can mean the object. A size counts only in a scene with two sizes.
    func fits(_ object: SceneObject, withClaims: Bool = true) -> Bool {
        if stranger != nil { return false }
        if let shape {
            guard object.kind == .shape(shape) else { return false }
            let ratio = Double(object.box.width) / Double(object.box.height)
            if isSquare, !(0.85...1.18).contains(ratio) { return false }
        }
        if let glyphs {
            guard case .glyph(let glyph) = object.kind, glyphs.contains(glyph.lowercased()) else { return false }
        }
        let colours = withClaims ? [colour, claimedColour] : [colour]
        if colours.contains(where: { $0 != nil && $0 != object.colour.rawValue }) { return false }
        guard withClaims, let isLarge = object.isLarge else { return true }
        return [self.isLarge, claimedSize].allSatisfy { $0 == nil || $0 == isLarge }
    }

    /// Whether the mention is consistent with `other` and at least as specific.
    func specialises(_ other: Mention) -> Bool {
        (other.shape == nil || shape == other.shape) && (other.colour == nil || colour == other.colour)
            && (other.isLarge == nil || isLarge == other.isLarge) && stranger == other.stranger
    }

    /// The mention's name in reports.
    var words: String {
        let size = isLarge.map { $0 ? "large" : "small" }
        return [size, colour, stranger ?? glyphs ?? shape?.rawValue ?? "thing"].compactMap { $0 }
            .joined(separator: " ")
    }
}

/// Finds the things that a text names, by determiner, number, adjectives, noun and the predicate of a verb.
struct MentionParser {
    private let tokens: [String]

    /// The things in `text`, from left to right.
    static func mentions(in text: AnswerText) -> [Mention] {
        let parser = MentionParser(tokens: text.tokens)
        let negation = Negation(text)
        return parser.resolved(parser.merged(parser.phrases())).map { mention in
            var mention = mention
            parser.readPredicate(of: &mention)
            mention.isDenied =
                negation.covers(mention.range.lowerBound) || parser.isDeniedAfterwards(mention.range.upperBound)
            return mention
        }
    }

    private func phrases() -> [Mention] {
        var found: [Mention] = []
        var index = 0
        while index < tokens.count {
            if let mention = phrase(at: index) ?? ellipsis(at: index) ?? stranger(at: index) {
                found.append(mention)
                index = mention.range.upperBound
            } else {
                index += 1
            }
        }
        return found
    }

    private func token(_ index: Int) -> String { tokens.indices.contains(index) ? tokens[index] : "." }

    // MARK: Noun phrases

    /// The words before a noun, and the index where the noun should be.
    private func modifiers(at start: Int) -> (mention: Mention, noun: Int, hasDeterminer: Bool, hasAdjective: Bool) {
        var mention = Mention(range: start..<start)
        var (index, hasDeterminer, hasAdjective) = (start, false, false)
        while true {
            let word = token(index)
            if !hasAdjective, let number = AnswerNumbers.number(in: tokens, at: min(index, tokens.count - 1)),
                index < tokens.count
            {
                mention.count = number.value
                index = number.range.upperBound
            } else if !hasAdjective, AnswerVocabulary.determiners.contains(word) {
                mention.isIndefinite = mention.isIndefinite || word == "a" || word == "an"
                hasDeterminer = true
                index += 1
            } else if AnswerVocabulary.isAdjective(word) {
                if AnswerVocabulary.colours.contains(word) { mention.colour = word }
                if let isLarge = AnswerVocabulary.sizes[word] { mention.isLarge = isLarge }
                hasAdjective = true
                index += 1
            } else {
                return (mention, index, hasDeterminer, hasAdjective)
            }
        }
    }

    private func phrase(at start: Int) -> Mention? {
        if let mention = pronoun(at: start) { return mention }
        var (mention, index, hasDeterminer, hasAdjective) = modifiers(at: start)
        let word = token(index)
        // "Cross" and "plus" without modifiers are a verb and a conjunction.
        if let shape = AnswerVocabulary.shapes[word], word != "plus" || index > start {
            mention.shape = shape
            mention.isSquare = word.hasPrefix("square")
            mention.isPlural = word.hasSuffix("s") && word != "cross" && word != "plus"
            index += 1
            if ["shape", "shaped", "sign", "shapes"].contains(token(index)) { index += 1 }
            if AnswerVocabulary.generic.contains(token(index)), token(index - 1) == "shaped" { index += 1 }
        } else if AnswerVocabulary.written.contains(word), index + 1 < tokens.count,
            let number = AnswerNumbers.number(in: tokens, at: index + 1)
        {
            mention.glyphs = number.digits
            index = number.range.upperBound
        } else if AnswerVocabulary.generic.contains(word) || word == "one" && hasAdjective {
            mention.isPlural = word.hasSuffix("s")
            mention.isPronoun = word == "one" || word == "ones"
            index += 1
        } else if hasDeterminer, !hasAdjective, token(index - 1) == "one", mention.count == 1, !mention.isIndefinite,
            ["the", "this", "that"].contains(token(index - 2))
        {
            mention.count = nil
        } else {
            return nil
        }
        mention.range = start..<index
        return mention
    }

    /// "Something red", "nothing large".
    private func pronoun(at start: Int) -> Mention? {
        guard ["something", "anything", "nothing"].contains(token(start)) else { return nil }
        var mention = Mention(range: start..<(start + 2))
        mention.colour = AnswerVocabulary.colours.contains(token(start + 1)) ? token(start + 1) : nil
        mention.isLarge = AnswerVocabulary.sizes[token(start + 1)]
        mention.isIndefinite = true
        return mention.isBare ? nil : mention
    }

    /// "A red" in "a red and a blue circle": it takes the noun of the phrase after "and".
    private func ellipsis(at start: Int) -> Mention? {
        var (mention, index, hasDeterminer, hasAdjective) = modifiers(at: start)
        guard hasDeterminer || mention.count != nil, hasAdjective, mention.colour != nil || mention.isLarge != nil,
            ["and", "or"].contains(token(index)), let next = phrase(at: index + 1), next.shape != nil
        else { return nil }
        mention.shape = next.shape
        mention.isSquare = next.isSquare
        mention.range = start..<index
        return mention
    }

    /// A phrase with a determiner or number whose noun is neither a thing of the generator nor a part of the image.
    private func stranger(at start: Int) -> Mention? {
        var (mention, index, hasDeterminer, _) = modifiers(at: start)
        guard hasDeterminer || mention.count != nil, index > start else { return nil }
        var noun: String?
        while !AnswerText.isMark(token(index)), !AnswerVocabulary.functionWords.contains(token(index)) {
            let word = token(index)
            if AnswerVocabulary.shapes[word] != nil || AnswerVocabulary.generic.contains(word) || word == "one" {
                return nil
            }
            guard AnswerNumbers.number(in: tokens, at: index) == nil else { break }
            // "The dog runs": the verb after the noun is not a noun.
            let isVerb = noun != nil && ["s", "ing", "ed"].contains { word.hasSuffix($0) }
            if !isVerb { noun = word }
            index += 1
        }
        guard let noun, !AnswerVocabulary.neutral.contains(noun), !AnswerVocabulary.isAdjective(noun) else {
            return nil
        }
        mention.stranger = noun
        mention.range = start..<index
        return mention
    }

    // MARK: Verbs

    /// Makes "the red one is a circle" one thing.
    private func merged(_ phrases: [Mention]) -> [Mention] {
        var result: [Mention] = []
        for phrase in phrases {
            if let last = result.last, last.isGeneric, !phrase.isGeneric, !last.isPlural,
                last.range.upperBound + 1 == phrase.range.lowerBound,
                ["is", "are"].contains(token(last.range.upperBound))
            {
                var whole = phrase
                whole.colour = phrase.colour ?? last.colour
                whole.isLarge = phrase.isLarge ?? last.isLarge
                whole.range = last.range.lowerBound..<phrase.range.upperBound
                result[result.count - 1] = whole
            } else {
                result.append(phrase)
            }
        }
        return result
    }

    /// Gives "no green one" and "two blue ones" the form of the thing named before them.
    private func resolved(_ phrases: [Mention]) -> [Mention] {
        var shape: SceneShape?
        return phrases.map { phrase in
            var phrase = phrase
            let determiner = token(phrase.range.lowerBound)
            if phrase.isPronoun, phrase.isGeneric, !["the", "this", "that"].contains(determiner) {
                phrase.shape = shape
            }
            shape = phrase.shape ?? shape
            return phrase
        }
    }

    private static let verbs: Set<String> = ["is", "are", "was", "were", "looks", "appears", "seems"]

    private static let adverbs: Set<String> = ["very", "clearly", "all", "both", "also", "completely", "colored", "in"]

    /// Reads "is red", "that is small and red", "in red", "… . It is red" after a thing.
    private func readPredicate(of mention: inout Mention) {
        var index = mention.range.upperBound
        if AnswerText.isMark(token(index)), token(index + 1) == "it" { index += 1 }
        if ["that", "which", "it"].contains(token(index)) { index += 1 }
        let hasVerb = Self.verbs.contains(token(index))
        if hasVerb { index += 1 }
        guard hasVerb || ["in", "colored"].contains(token(index)) else { return }
        while Self.adverbs.contains(token(index)) { index += 1 }
        while phrase(at: index) == nil {
            if AnswerVocabulary.colours.contains(token(index)) {
                mention.claimedColour = token(index)
            } else if ["large", "small"].contains(token(index)) {
                mention.claimedSize = token(index) == "large"
            } else if token(index) != "and" || !AnswerVocabulary.isAdjective(token(index + 1)) {
                return
            }
            index += 1
        }
    }

    /// "… is not there", "… does not appear", "… is missing".
    private func isDeniedAfterwards(_ end: Int) -> Bool {
        guard Self.verbs.contains(token(end)) || ["does", "do", "can"].contains(token(end)) else { return false }
        let next = token(end + 1)
        if ["absent", "missing", "nowhere"].contains(next) { return true }
        guard next == "not" else { return false }
        let rest = token(end + 2)
        return AnswerText.isMark(rest)
            || ["there", "present", "in", "visible", "shown", "exist", "appear", "here", "be", "drawn", "seen"]
                .contains(rest)
    }
}
