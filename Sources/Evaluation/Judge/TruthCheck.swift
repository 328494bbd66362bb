import Datasets

/// Checks an answer against the truth of its question.
struct TruthCheck {
    let reading: AnswerReading
    let question: AnswerReading
    let objects: [SceneObject]

    /// 1 for a right answer, 0 for a wrong one; for a partly right description or text a share between them.
    func share(of truth: GroundTruth) -> Double {
        switch truth {
        case .yesNo(let isTrue): YesNoCheck(reading: reading, question: question).says == isTrue ? 1 : 0
        case .count(let count): CountCheck(reading: reading, question: question).says == count ? 1 : 0
        case .text(let text): says(written: text) ? 1 : 0
        case .words(let right, let wrong): says(oneOf: right, noneOf: wrong) ? 1 : 0
        case .absent(let thing): AbsenceCheck(self, thing: thing).isRight ? 1 : 0
        case .unknowable: saysThatItCannotBeSeen ? 1 : 0
        case .description: DescriptionCheck(reading: reading, objects: objects).share
        case .transcript(let text): TranscriptCheck(reading: reading, truth: text).share
        case .number(let number, let within):
            NumberCheck(reading: reading, question: question).says(number, within: within) ? 1 : 0
        case .time(let hour, let minute): TimeCheck(reading: reading).says(hour: hour, minute: minute) ? 1 : 0
        case .list(let right, let wrong, let isOrdered):
            ListCheck(reading: reading).says(all: right, noneOf: wrong, isOrdered: isOrdered) ? 1 : 0
        case .unreadable: RefusalCheck(reading: reading).isRight ? 1 : 0
        }
    }

    /// The absent things that the answer names, or presumes, as present.
    func absentThings(against truth: GroundTruth) -> [String] {
        var named = reading.asserted.filter { isAbsent($0) }.map(\.words)
        switch truth {
        case .absent(let thing):
            let check = AbsenceCheck(self, thing: thing)
            let noun = thing.split(separator: " ").last ?? ""
            if check.takesForGranted, !named.contains(where: { $0.hasSuffix(noun) }) { named.append(thing) }
        case .unknowable:
            // The artist or the title is not part of the image.
            named = reading.asserted.filter { isAbsent($0) && ($0.stranger == nil || isShown($0)) }.map(\.words)
        case .yesNo(false):
            // "Yes" to "Is there a star?" names the star.
            let check = YesNoCheck(reading: reading, question: question)
            if check.confirms { named += question.mentions.filter { isAbsent($0) }.map(\.words) }
        default: break
        }
        var seen: Set<String> = []
        return named.filter { seen.insert($0).inserted }
    }

    /// Whether no object in the image can be meant, ignoring size.
    private func isAbsent(_ mention: Mention) -> Bool {
        if mention.isBare { return false }
        if let glyphs = mention.glyphs { return !written.contains(glyphs) }
        return !objects.contains { mention.fits($0, withClaims: false) }
    }

    /// Whether the answer names an absent thing, even to deny it.
    var namesAbsentThing: Bool { reading.mentions.contains { $0.stranger == nil && isAbsent($0) } }

    /// Whether the mention's clause says that the thing is visible.
    private func isShown(_ mention: Mention) -> Bool {
        reading.text.clauses.contains { clause in
            clause.contains(mention.range.lowerBound)
                && ["there", "see", "shows"].contains { reading.says([$0], in: clause) }
        }
    }

    /// The written characters, from left to right.
    private var written: String {
        objects.sorted { $0.box.x < $1.box.x }.compactMap {
            if case .glyph(let glyph) = $0.kind { glyph.lowercased() } else { nil }
        }.joined()
    }

    // MARK: Characters

    /// Whether the answer reads exactly these characters, as digits or in words.
    private func says(written text: String) -> Bool {
        let truth = text.lowercased()
        guard truth.allSatisfy({ ("0"..."9").contains($0) }) else {
            return reading.places(of: AnswerText(truth).words).contains { !reading.negation.touches($0) }
        }
        let tokens = reading.text.tokens
        let numbers = AnswerNumbers.all(in: tokens).filter { number in
            let next = number.range.upperBound < tokens.count ? tokens[number.range.upperBound] : "."
            // The number in "two digits" counts digits and is not what they say.
            return !reading.negation.touches(number.range)
                && !["digits", "digit", "numbers", "characters"].contains(next)
        }
        guard !numbers.isEmpty else { return false }
        // Digits listed one by one make one number.
        if numbers.count > 1, numbers.allSatisfy({ $0.digits.count == 1 }), numbers.count == truth.count {
            return numbers.map(\.digits).joined() == truth
        }
        return numbers.allSatisfy { $0.digits == truth }
    }

    // MARK: Words

    private func says(oneOf right: [String], noneOf wrong: [String]) -> Bool {
        let choices = [right, wrong].map { $0.map { AnswerText($0).words.map(AnswerVocabulary.canonical) } }
        if let answer = says(oneOf: choices[0], noneOf: choices[1]) { return answer }
        // For a red and a blue star, "the red one" is enough: drop the words that right and wrong choices share.
        let (rights, wrongs) = (Set(choices[0].joined()), Set(choices[1].joined()))
        return says(
            oneOf: choices[0].map { $0.filter { !wrongs.contains($0) } },
            noneOf: choices[1].map { $0.filter { !rights.contains($0) } }) ?? false
    }

    /// Whether the answer says only right choices; nil if it says none at all.
    private func says(oneOf right: [[String]], noneOf wrong: [[String]]) -> Bool? {
        let choices = right.map { (words: $0, isRight: true) } + wrong.map { (words: $0, isRight: false) }
        var taken = [Bool](repeating: false, count: reading.text.tokens.count)
        var (rights, wrongs) = (0, 0)
        let comparison = Comparison(reading: reading, question: question)
        // The longest first, so that "top" is not found in "top left".
        for choice in choices.sorted(by: { $0.words.count > $1.words.count }) {
            // A negator like "neither" may be the answer itself.
            let denies = choice.words.contains { Negation.negators.contains($0) }
            for place in reading.places(of: choice.words) where !taken[place].contains(true) {
                for index in place { taken[index] = true }
                guard denies || !reading.negation.touches(place), !comparison.isReference(place.lowerBound) else {
                    continue
                }
                if choice.isRight { rights += 1 } else { wrongs += 1 }
            }
        }
        return rights + wrongs == 0 ? nil : rights > 0 && wrongs == 0
    }

    // MARK: What no image tells

    private var saysThatItCannotBeSeen: Bool {
        guard reading.abstains, !Self.guesses.contains(where: { reading.says($0) }) else { return false }
        // A clause after "but" may still describe what is visible.
        return reading.text.clauses.allSatisfy { clause in
            guard AnswerText.turns.contains(reading.text.tokens[clause.lowerBound]) else { return true }
            return reading.negation.touches(clause)
                || reading.mentions.contains { clause.contains($0.range.lowerBound) }
        }
    }

    private static let guesses = [
        "maybe", "perhaps", "probably", "likely", "i think", "i guess", "i believe", "might be", "may be", "could be",
        "must be", "yes", "called",
    ].map { $0.split(separator: " ").map(String.init) }
}
