import NIOCore
import Synchronization

/// Notices that a client has gone, which nobody else does while a request waits for the engine.
///
/// A half-closed connection counts as closed: whoever sends FIN after a request will not read the answer.
final class ConnectionMonitor: ChannelInboundHandler, RemovableChannelHandler, Sendable {
    typealias InboundIn = Any

    private struct State {
        var isClosed = false
        var action: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// Calls `action` once the connection closes, at once if it is closed; nil calls nothing any more.
    func onClose(_ action: (@Sendable () -> Void)?) {
        let isClosed = state.withLock { state in
            state.action = action
            return state.isClosed
        }
        if isClosed { action?() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        close()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { close() }
        context.fireUserInboundEventTriggered(event)
    }

    private func close() {
        let action = state.withLock { state in
            state.isClosed = true
            return state.action
        }
        action?()
    }
}
