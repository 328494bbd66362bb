/// The traits of an answer that simulated labelers weigh; each labeler has its own weights.
package struct AnswerTraits: Equatable {
    /// 1 if right, 0 if not; for a description, the share of the image's objects that it names; for text that is read
    /// off, how much of it is right.
    var right: Double
    /// Objects that it names and that the image does not show, or a text that it invents, up to 3. A wrong yes names
    /// the question's objects.
    package var absent: Double
    /// For a description: objects with a wrong size, number or position, up to 3.
    package var amiss: Double
    /// 1 if it has the requested form.
    package var form: Double
    /// 1 if it ended by itself and is not empty.
    var ended: Double
    /// Words beyond the need of the requested form, in tens, up to 3.
    var excess: Double
    /// 1 if it hedges.
    var hedged: Double
    /// Words in tens, up to 3.
    var length: Double

    package init(of answer: SimulatedLabeler.Answer, to task: LabelingTask) {
        let read = LabeledWords(answer.text)
        right = Self.right(read, LabeledReading(answer.text), task)
        absent = Double(min(3, Self.absent(read, task) + Self.invented(read, right, task)))
        amiss = task.truth == .description ? Double(min(3, Self.amiss(read, task.things ?? []))) : 0
        form = Self.hasForm(task, read, answer.text) ? 1 : 0
        ended = answer.finishReason == .stop && !read.words.isEmpty ? 1 : 0
        excess = min(3, Double(max(0, read.words.count - Self.need(task))) / 10)
        hedged = ![.unknowable, .unreadable].contains(task.truth) && read.hedges ? 1 : 0
        length = min(3, Double(read.words.count) / 10)
    }

    private static func right(
        _ read: LabeledWords, _ reading: LabeledReading, _ task: LabelingTask
    ) -> Double {
        let isRight: Bool
        switch task.truth {
        case .yesNo(let truth): isRight = read.verdict == truth
        case .count(let number): isRight = read.counts == [number]
        case .text(let characters): isRight = read.characters == [characters.lowercased()]
        case .words(let right, let wrong):
            let found = read.phrases(of: right + wrong)
            isRight = !found.isDisjoint(with: right) && found.isSubset(of: right)
        case .absent, .unknowable: isRight = read.denies
        case .description: return named(read, task.things ?? [])
        case .transcript(let text): return reading.likeness(to: text)
        case .number(let number, let within): isRight = reading.gives(number, within: within)
        case .time(let hour, let minute): isRight = reading.givesTime(hour: hour, minute: minute)
        case .list(let right, let wrong, _): return reading.share(of: right, without: wrong)
        case .unreadable: isRight = read.denies
        }
        return isRight ? 1 : 0
    }

    /// The share of `things` that the answer names.
    private static func named(_ read: LabeledWords, _ things: [LabelingTask.Thing]) -> Double {
        guard !things.isEmpty else { return read.denies ? 1 : 0 }
        let mentions = read.mentions
        let found = things.count { thing in
            switch thing.kind {
            case .shape(let shape):
                mentions.contains { $0.shape == shape && ($0.colour ?? thing.colour) == thing.colour }
            case .glyph(let text): read.characters.contains(text.lowercased())
            }
        }
        return Double(found) / Double(things.count)
    }

    /// 1 if the answer claims to read a text that is not on the image, or that is too blurred to read.
    private static func invented(_ read: LabeledWords, _ right: Double, _ task: LabelingTask) -> Int {
        switch task.truth {
        case .transcript, .unreadable: right == 0 && !read.denies && !read.words.isEmpty ? 1 : 0
        default: 0
        }
    }

    /// How many mentions fit no object. A yes to "Is there a star?" mentions the star.
    private static func absent(_ read: LabeledWords, _ task: LabelingTask) -> Int {
        guard let things = task.things else { return 0 }
        let absent = { (words: LabeledWords) in
            words.mentions.count { mention in !things.contains { $0.fits(mention) } }
        }
        let isWrongYes = task.truth == .yesNo(false) && read.verdict == true
        return isWrongYes ? max(absent(read), absent(LabeledWords(task.question))) : absent(read)
    }

    /// The number of mentions that fit some of `things`, but not in every detail.
    private static func amiss(_ read: LabeledWords, _ things: [LabelingTask.Thing]) -> Int {
        read.mentions.count { mention in
            let fitting = things.filter { $0.fits(mention) }
            guard !fitting.isEmpty else { return false }
            let isMiscounted = mention.count.map { $0 != fitting.count } ?? false
            return isMiscounted
                || !fitting.contains { thing in
                    (mention.isLarge ?? thing.isLarge) == thing.isLarge
                        && mention.places.allSatisfy { thing.centre?.isAt($0) ?? true }
                }
        }
    }

    private static func hasForm(_ task: LabelingTask, _ read: LabeledWords, _ text: String) -> Bool {
        let isWritten = text.first?.isUppercase == true && text.last.map { end(task).contains($0) } == true
        switch task.form {
        case .short: return (1...max(3, textWords(task))).contains(read.words.count)
        case .sentence:
            let isOne = read.sentences == 1 || textWords(task) > 0
            return isWritten && isOne && read.words.count >= 3
        case .description:
            let maximum = max(3, task.things?.count ?? 3)
            return isWritten && (1...maximum).contains(read.sentences) && read.words.count >= 4
        }
    }

    /// The marks that a sentence may end with: quoted text closes with its quotation mark.
    private static func end(_ task: LabelingTask) -> String {
        if case .transcript = task.truth { ".!?”\"" } else { ".!?" }
    }

    /// The number of words of the text or list that the answer has to give; 0 for other answers.
    private static func textWords(_ task: LabelingTask) -> Int {
        switch task.truth {
        case .transcript(let text): LabeledWords(text).words.count
        case .list(let right, _, _): LabeledWords(right.joined(separator: " ")).words.count
        default: 0
        }
    }

    /// The maximum number of words that an answer of the requested form needs.
    private static func need(_ task: LabelingTask) -> Int {
        switch task.form {
        case .short: max(3, textWords(task))
        case .sentence: 12 + textWords(task)
        case .description:
            // A list needs six words per object; sentences that give each object's position need nine.
            max(8 + 6 * min(5, task.things?.count ?? 3), 9 * min(6, task.things?.count ?? 3))
        }
    }
}

extension LabelingTask.Thing {
    /// Whether it has the mention's colour and shape, as far as the mention gives them.
    fileprivate func fits(_ mention: LabeledWords.Mention) -> Bool {
        (mention.colour ?? colour) == colour && mention.shape.map { kind == .shape($0) } ?? true
    }
}

extension LabelingTask.Thing.Centre {
    /// Whether a person would accept the word for this position. Near the middle, both words are acceptable.
    fileprivate func isAt(_ place: LabeledWords.Place) -> Bool {
        switch place {
        case .left: x < 0.47
        case .right: x > 0.53
        case .top: y < 0.47
        case .bottom: y > 0.53
        case .middle: abs(x - 0.5) < 0.15 && abs(y - 0.5) < 0.15
        }
    }
}
