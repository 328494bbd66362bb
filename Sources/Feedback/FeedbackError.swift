import GRDB

/// Why the feedback store refused an operation.
public enum FeedbackError: Error, Equatable, CustomStringConvertible {
    /// A newer version of the program wrote the file.
    case newer(path: String)
    /// SQLite refused.
    case database(path: String, reason: String)
    /// SQLite cannot write or read at present: the disk is full, or another process holds the file.
    case unavailable(path: String, reason: String)
    /// A row does not have the form that the store writes.
    case damaged(path: String, comparison: String, reason: String)
    /// The store has a comparison of this id with another question or other answers.
    case otherComparison(id: String)
    /// The store has no such object, or it belongs to another labeler. `field` is the name of the field that asks for
    /// it.
    case notFound(field: String, what: String)
    /// A value does not fit what is stored.
    case invalid(field: String, reason: String)

    init(_ error: any Error, path: String) {
        switch error {
        case let error as FeedbackError: self = error
        case let error as DatabaseError where Self.passing.contains(error.resultCode):
            self = .unavailable(path: path, reason: "\(error)")
        default: self = .database(path: path, reason: "\(error)")
        }
    }

    /// The result codes that say nothing against the request and nothing against the file.
    private static let passing: [ResultCode] = [
        .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_NOMEM,
    ]

    /// What is wrong, and where.
    public var description: String {
        switch self {
        case .newer(let path): "\(path): a newer version wrote this store"
        case .database(let path, let reason), .unavailable(let path, let reason): "\(path): \(reason)"
        case .damaged(let path, let comparison, let reason): "\(path): comparison \(comparison): \(reason)"
        case .otherComparison(let id): "the store has a comparison \(id) with another question or other answers"
        case .notFound(_, let what): "there is no \(what)"
        case .invalid(let field, let reason): "\(field) \(reason)"
        }
    }
}
