/// What the gold judge says about one answer.
public struct Verdict: Codable, Sendable, Equatable {
    /// Whether an answer is right.
    public enum Correctness: String, Codable, Sendable, CaseIterable {
        /// It says what is true, all of it and nothing against it.
        case right
        /// It tells a part of what there is, or false things beside true ones. Only descriptions can be.
        case partly
        /// It says something else, nothing, or two things at once.
        case wrong
    }

    /// Whether it is right.
    public let correctness: Correctness
    /// 1 if right, 0 if wrong; of a description the harmonic mean of the share of the objects that it names and the
    /// share of what it claims that is true.
    public let share: Double
    /// Things that it names as being there and that are not, in its own words: hallucinations.
    public let absentThings: [String]
    /// Whether it has the asked form: a few words, one full sentence, or a few of them.
    public let obeysForm: Bool
    /// Whether it ends where an answer ends, and not in the middle of a sentence.
    public let endsProperly: Bool
    /// Words beyond what the question needs.
    public let needlessWords: Int

    package init(
        share: Double, absentThings: [String], obeysForm: Bool, endsProperly: Bool, needlessWords: Int
    ) {
        correctness = share == 1 ? .right : share > 0 ? .partly : .wrong
        self.share = share
        self.absentThings = absentThings
        self.obeysForm = obeysForm
        self.endsProperly = endsProperly
        self.needlessWords = needlessWords
    }

    /// The verdict as one number, in thousandths, from about -0.5 to 1.2:
    ///
    ///     share - 0.2 min(absent things, 2) + 0.1 [obeys form] + 0.1 [ends properly] - 0.01 min(needless words, 10)
    ///
    /// A right answer always comes before a wrong one, whatever their style: style and absent things move a score by
    /// less than 0.8 together. Length as such counts for nothing; only words beyond need cost a little.
    public var score: Double {
        let style = (obeysForm ? 0.1 : 0) + (endsProperly ? 0.1 : 0) - 0.01 * Double(min(needlessWords, 10))
        return ((share - 0.2 * Double(min(absentThings.count, 2)) + style) * 1000).rounded() / 1000
    }
}
