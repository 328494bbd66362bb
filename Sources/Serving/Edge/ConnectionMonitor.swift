import NIOCore
import Synchronization

/// Detects that a client has disconnected or does not read. Nothing else does so while a request waits for the engine.
///
/// A half-closed connection counts as closed: a client that sends FIN after a request will not read the answer. A
/// client that takes nothing for a while is cut off. Until then the channel's high-water mark of 64 KiB plus one frame
/// is all that waits for it in memory, because every frame waits for the frame before. The context length limits what
/// the engine produces meanwhile.
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

    /// Calls `action` once the connection closes, or now if it is closed. Nil removes the action.
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
