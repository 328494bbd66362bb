import NIOCore
import Synchronization

/// The maximum numbers of open connections.
public struct ConnectionLimits: Sendable, Equatable {
    /// In all.
    public var total = 1_024
    /// From one address.
    public var perAddress = 64

    /// The defaults.
    public init() {}
}

/// Counts open connections.
package final class ConnectionCount: Sendable {
    private let limits: ConnectionLimits
    private let open = Mutex<[String: Int]>([:])

    package init(_ limits: ConnectionLimits) {
        self.limits = limits
    }

    /// The number of open connections.
    package var total: Int { open.withLock { $0.values.reduce(0, +) } }

    /// Counts a connection.
    ///
    /// - Returns: the limit that refuses it, `total` or `address`; nil if it was counted.
    package func enter(_ address: String) -> String? {
        open.withLock { open in
            guard open.values.reduce(0, +) < limits.total else { return "total" }
            guard open[address, default: 0] < limits.perAddress else { return "address" }
            open[address, default: 0] += 1
            return nil
        }
    }

    /// Removes a connection that `enter` counted.
    package func leave(_ address: String) {
        open.withLock { open in
            let count = open[address, default: 0] - 1
            open[address] = count > 0 ? count : nil
        }
    }
}

/// Closes a connection at once if too many are open.
final class ConnectionLimit: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Any

    private let count: ConnectionCount
    private let metrics: ServerMetrics
    /// The address under which it is counted.
    private var address: String?

    init(_ count: ConnectionCount, metrics: ServerMetrics) {
        self.count = count
        self.metrics = metrics
    }

    func channelActive(context: ChannelHandlerContext) {
        let address = context.remoteAddress?.ipAddress ?? ""
        if let limit = count.enter(address) {
            metrics.add(.refusedConnections, [("limit", limit)])
            context.close(promise: nil)
        } else {
            self.address = address
        }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let address { count.leave(address) }
        address = nil
        context.fireChannelInactive()
    }
}
