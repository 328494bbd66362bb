import Datasets

/// The style of an answer: its form, its end and its length.
struct AnswerForm {
    /// Whether it has the asked form.
    let isObeyed: Bool
    /// Whether the answer ends properly, not in the middle of a sentence.
    let endsProperly: Bool
    /// Words beyond what the question needs.
    let needlessWords: Int

    init(_ answer: String, question: FamilyQuestion, objects: Int, ended: Bool) {
        let sentences = Self.sentences(of: answer)
        let count = sentences.joined().count
        let demonstrated = Self.sentences(of: question.answer).joined().count
        let isClosed = answer.last.map { ".!?".contains($0) } ?? false
        let isWritten =
            isClosed && !sentences.isEmpty && sentences.allSatisfy(Self.isFull)
            && answer.first.map { $0.isUppercase || $0.isNumber } ?? false
        let allowance: Int
        switch question.form {
        case .short:
            allowance = max(10, demonstrated + 4)
            isObeyed = sentences.count == 1 && count <= max(3, demonstrated)
        case .sentence:
            allowance = max(12, demonstrated + 4)
            isObeyed = isWritten && sentences.count == 1
        case .description:
            allowance = max(12 + 8 * objects, demonstrated + 6)
            isObeyed = isWritten && sentences.count <= max(3, objects)
        }
        let last = AnswerText(answer).words.last ?? ""
        // One or two words need no full stop; a longer answer that began as a sentence does.
        let needsClosing = question.form != .short && count > 2
        let stops = answer.last.map { $0.isLetter || $0.isNumber } ?? false
        endsProperly = ended && count > 0 && (isClosed || !needsClosing && stops && !Self.dangling.contains(last))
        var seen: Set<[String]> = []
        let repeated = sentences.filter { !seen.insert($0).inserted }.joined().count
        needlessWords = max(repeated, count - allowance)
    }

    /// The words of each sentence, split at white space.
    private static func sentences(of text: String) -> [[String]] {
        var sentences: [[String]] = [[]]
        for word in text.split(whereSeparator: \.isWhitespace) {
            let bare = word.lowercased().filter { $0.isLetter || $0.isNumber || $0 == "'" || $0 == "’" }
            if !bare.isEmpty { sentences[sentences.count - 1].append(bare) }
            if let last = word.last, ".!?".contains(last) { sentences.append([]) }
        }
        return sentences.filter { !$0.isEmpty }
    }

    /// Whether a sentence has a verb and at least two more words.
    private static func isFull(_ sentence: [String]) -> Bool {
        sentence.count > 2 && AnswerText(sentence.joined(separator: " ")).words.contains(where: verbs.contains)
    }

    private static let verbs: Set<String> = [
        "is", "are", "was", "am", "see", "sees", "shows", "show", "has", "have", "contains", "contain", "can", "do",
        "does", "lies", "lie", "sits", "sit", "stands", "stand", "looks", "appears", "appear", "reads", "says", "say",
        "know", "count", "counts", "will", "could", "outnumber", "outnumbers",
    ]

    private static let dangling: Set<String> = [
        "and", "or", "the", "a", "an", "of", "to", "with", "in", "on", "at", "but", "than",
    ]
}
