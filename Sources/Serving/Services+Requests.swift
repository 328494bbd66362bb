import Engine
import Foundation
import NIOCore
import WireFormats

extension ServerState {
    /// Refuses new requests while the server drains.
    func checkTaking() throws(APIError) {
        guard phase != .draining else { throw APIError(EngineFailure.stopped) }
    }
}

extension Services {
    /// What gives the same bytes for the same request with a seed.
    func fingerprint(of policy: Policy) -> String {
        let parts = [
            "apus", configuration.version, configuration.isa, configuration.cacheType,
            String(configuration.backbone.prefix(12)), "\(policy.name)@\(policy.generation)",
        ]
        return parts.joined(separator: "-")
    }
}

extension ServerContext {
    /// The handler that knows whether the caller is still there.
    func monitor() async throws -> ConnectionMonitor {
        try await channel.pipeline.handler(type: ConnectionMonitor.self).get()
    }
}

/// Now, in Unix seconds.
func unixTime() -> Int {
    Int(Date().timeIntervalSince1970)
}
