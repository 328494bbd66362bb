import AsyncHTTPClient
public import Evaluation
import Foundation
import NIOCore
import NIOHTTP1

/// Posts JSON to a server and receives its event stream: over HTTP, or from a script in tests.
public protocol EventStreamClient: Sendable {
    /// Posts a JSON document to `url` and calls `event` with the data of each server-sent event as it arrives.
    ///
    /// - Returns: the HTTP status; a status other than 200 has no events.
    func stream(_ json: [UInt8], to url: String, event: (String) throws -> Void) async throws -> Int
}

/// Splits an event stream into data lines; bytes may arrive in pieces of any size (WHATWG HTML, "Server-sent events").
package struct EventLines {
    private var pending: [UInt8] = []

    package init() {}

    /// Takes the next bytes and returns the data of the lines that are now complete.
    package mutating func append(_ bytes: some Swift.Sequence<UInt8>) -> [String] {
        pending += bytes
        var found: [String] = []
        var start = pending.startIndex
        while let end = pending[start...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = String(decoding: pending[start..<end], as: UTF8.self)
            if line.hasPrefix("data:") {
                found.append(line.dropFirst(5).trimmingPrefix(" ").trimmingCharacters(in: .newlines))
            }
            start = end + 1
        }
        pending.removeSubrange(..<start)
        return found
    }
}

extension HTTPReplyClient: EventStreamClient {
    /// Streams over HTTP; an answer that takes over five minutes is an error.
    public func stream(_ json: [UInt8], to url: String, event: (String) throws -> Void) async throws -> Int {
        let response = try await open(json, to: url)
        guard response.status == .ok else { return Int(response.status.code) }
        var lines = EventLines()
        for try await buffer in response.body {
            for data in lines.append(buffer.readableBytesView) { try event(data) }
        }
        return 200
    }
}
