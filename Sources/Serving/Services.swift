import Engine
import Synchronization

/// What the routes share.
struct Services: Sendable {
    let engine: any Generating
    let catalog: PolicyCatalog
    let processor: InputProcessor
    let configuration: ServerConfiguration
    let metrics = Metrics()
    let state = ServerState()
}

/// Where the server is in its life.
final class ServerState: Sendable {
    enum Phase {
        case ready
        /// Not ready for load balancers any more, but requests are still taken.
        case leaving
        /// New requests are refused; running ones finish.
        case draining
    }

    private let value = Mutex(Phase.ready)

    var phase: Phase { value.withLock { $0 } }

    func enter(_ phase: Phase) {
        value.withLock { $0 = phase }
    }
}
