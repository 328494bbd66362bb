import Foundation
import NIOCore
import NIOPosix

/// Another program listens on a server's port.
public struct PortTakenError: Error, Equatable, CustomStringConvertible {
    /// The address.
    public let host: String
    /// The port.
    public let port: Int

    /// What is wrong, and what to do.
    public var description: String {
        "another program listens on port \(port) of \(host); choose another one with --port"
    }

    /// An error of a server that cannot bind its port; nil for other errors.
    public init?(_ error: any Error, _ configuration: ServerConfiguration) {
        guard (error as? IOError)?.errnoCode == EADDRINUSE else { return nil }
        (host, port) = (configuration.host, configuration.port)
    }
}

extension ServerConfiguration {
    /// Binds the port for a moment, so that a command that serves much later can fail now.
    ///
    /// - Throws: `PortTakenError`, or the system's error if the port cannot be bound for another reason.
    public func checkPort() async throws {
        do {
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: host, port: port).get()
            try await channel.close()
        } catch {
            throw PortTakenError(error, self) ?? error
        }
    }
}
