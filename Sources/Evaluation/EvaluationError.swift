/// Why an evaluation over HTTP could not be finished.
public enum EvaluationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The address is not an http or https URL.
    case badAddress(String)
    /// The server could not be reached, or closed the connection.
    case noReply(url: String, reason: String)
    /// The server refused a question for a reason other than load.
    case refused(url: String, status: Int, body: String)
    /// The server was busy at every try.
    case busy(url: String, tries: Int)
    /// The server switched to another generation during the evaluation.
    case otherGeneration(url: String, policy: String, expected: Int, found: Int)
    /// The reply does not have the route's format.
    case malformed(url: String, reason: String, body: String)

    /// What went wrong and where, with the server's message.
    public var description: String {
        switch self {
        case .badAddress(let url): "\(url) is no http or https address; give one like http://127.0.0.1:8080"
        case .noReply(let url, let reason): "\(url) does not answer: \(reason); start it with `apus serve`"
        case .refused(let url, let status, let body): "\(url) answered with status \(status), expected 200: \(body)"
        case .busy(let url, let tries): "\(url) was busy \(tries) times in a row; ask fewer questions at once"
        case .otherGeneration(let url, let policy, let expected, let found):
            "\(url) answered with generation \(found) of \(policy), expected \(expected); leave the policies as they are "
                + "while they are measured"
        case .malformed(let url, let reason, let body): "\(url): \(reason), found: \(body)"
        }
    }
}
