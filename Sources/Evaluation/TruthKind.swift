public import Datasets

/// What makes answers to a question right, without the answer: a column of reports. Raw values are its names there.
public enum TruthKind: String, Codable, Sendable, CaseIterable {
    /// Yes or no.
    case yesNo = "yes/no"
    /// A number of things.
    case count
    /// Written characters.
    case text
    /// Words.
    case words
    /// That a thing is not there.
    case absent
    /// That it cannot be seen.
    case unknowable
    /// A description.
    case description

    /// The kind of a truth.
    public init(of truth: GroundTruth) {
        self =
            switch truth {
            case .yesNo: .yesNo
            case .count: .count
            case .text: .text
            case .words: .words
            case .absent: .absent
            case .unknowable: .unknowable
            case .description: .description
            }
    }
}
