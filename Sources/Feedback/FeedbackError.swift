/// Why the feedback store refused an operation.
public enum FeedbackError: Error, Equatable, CustomStringConvertible {
    /// A newer version of the program wrote the file.
    case newer(path: String)
    /// SQLite refused.
    case database(path: String, reason: String)
    /// A row does not have the form that the store writes.
    case damaged(path: String, comparison: String, reason: String)
    /// The store has a comparison of this id with another question or other answers.
    case otherComparison(id: String)

    init(_ error: any Error, path: String) {
        self = error as? FeedbackError ?? .database(path: path, reason: "\(error)")
    }

    /// What is wrong, and where.
    public var description: String {
        switch self {
        case .newer(let path): "\(path): a newer version wrote this store"
        case .database(let path, let reason): "\(path): \(reason)"
        case .damaged(let path, let comparison, let reason): "\(path): comparison \(comparison): \(reason)"
        case .otherComparison(let id): "the store has a comparison \(id) with another question or other answers"
        }
    }
}
