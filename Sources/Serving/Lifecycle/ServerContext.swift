import Hummingbird
import NIOCore
import Synchronization

/// The data that accompanies a request through middleware and routes.
struct ServerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel
    let record = RequestRecord()

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// Facts collected about a request while it is answered, for the log and the counters.
final class RequestRecord: Sendable {
    struct Facts {
        var id = ""
        var policy: String?
        var generation = 0
        /// Whether the caller must not learn the policy.
        var hidesPolicy = false
        var hasImages = false
        var outcome: String?
        var promptTokens = 0
        /// Prompt tokens that are image positions.
        var imageTokens = 0
        var generatedTokens = 0
        /// From submission until the engine began.
        var queue: Duration?
        /// The time in the vision encoder.
        var images: Duration?
        /// From the request until its first text.
        var firstToken: Duration?
        var failure: String?
        /// The id of the caller's key.
        var keyID: String?
        /// The key itself, if its limits apply.
        var key: KeyRecord?
        /// The request's slot among the key's open requests, held while anything may still be written.
        var place: OpenRequest?
        /// Counts the request as open while anything may still be written.
        var open: OpenRequest?
    }

    let started = ContinuousClock.now
    private let facts = Mutex(Facts())

    var current: Facts { facts.withLock { $0 } }

    func update(_ change: @Sendable (inout Facts) -> Void) {
        facts.withLock { change(&$0) }
    }
}
