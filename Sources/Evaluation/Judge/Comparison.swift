/// The words of an answer that only name the object of a comparison.
///
/// "The circle is larger than the star" answers "Which is larger?" with the circle. The reversed sentence ("The star is
/// smaller than the circle") has the same answer.
struct Comparison {
    private let reference: Set<Int>

    private static let opposites = ["larger": "smaller", "smaller": "larger", "more": "fewer", "fewer": "more"]

    init(reading: AnswerReading, question: AnswerReading) {
        var reference: Set<Int> = []
        let tokens = reading.text.tokens
        for clause in reading.text.clauses {
            guard let pivot = clause.first(where: { Self.isPivot(tokens, $0) }) else { continue }
            let isTurned = tokens[clause.lowerBound..<pivot].contains { word in
                guard let opposite = Self.opposites[word] else { return false }
                return !question.says([word]) && question.says([opposite])
            }
            reference.formUnion(isTurned ? clause.lowerBound..<pivot : pivot + 1..<clause.upperBound)
        }
        self.reference = reference
    }

    /// Whether the token at `index` belongs to the object of the comparison.
    func isReference(_ index: Int) -> Bool { reference.contains(index) }

    /// Whether the token is "than" or a relation to the words after it.
    private static func isPivot(_ tokens: [String], _ index: Int) -> Bool {
        switch tokens[index] {
        case "than", "below", "above", "beside", "near": index > 0
        case "of": index > 0 && ["left", "right", "top", "front"].contains(tokens[index - 1])
        case "to": index > 0 && tokens[index - 1] == "next"
        default: false
        }
    }
}
