import NIOCore
import Synchronization

/// Notices that a client has gone or does not read, which nobody else does while a request waits for the engine.
///
/// A half-closed connection counts as closed: whoever sends FIN after a request will not read the answer. A client that
/// takes nothing for a while is cut off. Until then at most the channel's high-water mark of 64 KiB and one frame wait
/// for it in memory, since every frame waits for the one before; what the engine produces meanwhile is bounded by the
/// context.
final class ConnectionMonitor: ChannelInboundHandler, RemovableChannelHandler, Sendable {
    typealias InboundIn = Any

    private struct State {
        var isClosed = false
        var action: (@Sendable () -> Void)?
        var stall: Scheduled<Void>?
    }

    private let stallLimit: TimeAmount
    private let state = Mutex(State())

    init(stallLimit: Duration) {
        self.stallLimit = TimeAmount(stallLimit)
    }

    /// Calls `action` once the connection closes, at once if it is closed; nil calls nothing any more.
    func onClose(_ action: (@Sendable () -> Void)?) {
        let isClosed = state.withLock { state in
            state.action = action
            return state.isClosed
        }
        if isClosed { action?() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        let channel = context.channel
        state.withLock { state in
            state.stall?.cancel()
            state.stall =
                channel.isWritable
                ? nil : context.eventLoop.scheduleTask(in: stallLimit) { channel.close(promise: nil) }
        }
        context.fireChannelWritabilityChanged()
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
            state.stall?.cancel()
            return state.action
        }
        action?()
    }
}
