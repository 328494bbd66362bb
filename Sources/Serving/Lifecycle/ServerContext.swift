import Hummingbird
import NIOCore
import Synchronization

/// What travels with a request through middleware and routes.
struct ServerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel
    let record = RequestRecord()

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// What becomes known about a request while it is answered, for the log and the counters.
final class RequestRecord: Sendable {
    struct Facts {
        var id = ""
        var policy: String?
        var generation = 0
        var hasImages = false
        var outcome: String?
        var promptTokens = 0
        /// Those of the prompt that are images' positions.
        var imageTokens = 0
        var generatedTokens = 0
        /// From the submission until the engine began.
        var queue: Duration?
        /// In the vision encoder.
        var images: Duration?
        /// From the request until its first text.
        var firstToken: Duration?
        var failure: String?
        /// The id of the caller's key.
        var keyID: String?
        /// The key itself where its limits count.
        var key: KeyRecord?
        /// Its place among the key's open requests, for as long as anything may still be written.
        var place: OpenRequest?
        /// Counts the request as open for as long as anything may still be written.
        var open: OpenRequest?
    }

    let started = ContinuousClock.now
    private let facts = Mutex(Facts())

    var current: Facts { facts.withLock { $0 } }

    func update(_ change: @Sendable (inout Facts) -> Void) {
        facts.withLock { change(&$0) }
    }
}
