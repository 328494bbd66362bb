import NIOCore
import NIOPosix
import Serving
import Testing

/// Whether a port is free, before a server needs it.
@Suite struct PortCheckTests {
    @Test func aTakenPortIsNamedAndAFreeOneStaysFree() async throws {
        let other = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        var configuration = ServerConfiguration()
        configuration.port = try #require(other.localAddress?.port)
        let taken = configuration
        let error = await #expect(throws: PortTakenError.self) { try await taken.checkPort() }
        #expect(error?.description.contains("port \(configuration.port) of 127.0.0.1") == true)
        try await other.close()
        try await configuration.checkPort()
        try await configuration.checkPort()
    }
}
