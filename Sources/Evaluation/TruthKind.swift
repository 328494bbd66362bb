public import Datasets

/// The kind of truth that makes answers right: a column of reports. Raw values are the names in reports.
public enum TruthKind: String, Codable, Sendable, CaseIterable {
    /// Yes or no.
    case yesNo = "yes/no"
    /// A number of things.
    case count
    /// Written characters.
    case text
    /// Words.
    case words
    /// That a thing is absent.
    case absent
    /// That the image does not answer the question.
    case unknowable
    /// A description.
    case description
    /// Text that is read off.
    case transcript
    /// A number that is read or computed.
    case number
    /// The time on a clock.
    case time
    /// Several phrases.
    case list
    /// That the image cannot be read.
    case unreadable

    /// The kind of the given truth.
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
            case .transcript: .transcript
            case .number: .number
            case .time: .time
            case .list: .list
            case .unreadable: .unreadable
            }
    }
}
