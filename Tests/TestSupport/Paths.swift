public import Foundation

/// Something that a test needs and does not find; the message says how to get it.
public struct MissingFile: Error, CustomStringConvertible {
    /// The file and the command that makes it.
    public let description: String
}

/// The base model's file, which `make build` puts into the user's cache.
public func baseModelPath() throws -> String {
    let environment = ProcessInfo.processInfo.environment
    let cache =
        environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : $0 }
        ?? FileManager.default.homeDirectoryForCurrentUser.appendingPathComponent(".cache").path
    let path = "\(cache)/apus/SmolLM2-135M-Instruct.Q4_1.gguf"
    guard FileManager.default.fileExists(atPath: path) else {
        throw MissingFile(description: "\(path) is missing; `make build` fetches it")
    }
    return path
}

/// A file in the folder `Fixtures` beside the test's own source file.
public func fixtureURL(_ name: String, file: String = #filePath) throws -> URL {
    let url = URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent("Fixtures/\(name)")
    guard FileManager.default.fileExists(atPath: url.path) else {
        throw MissingFile(description: "\(url.path) is missing; `make fixtures` writes it")
    }
    return url
}

/// An empty folder, which is deleted with this.
public final class TemporaryFolder: Sendable {
    /// Where it is.
    public let url = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)")

    /// Makes the folder.
    public init() throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }
}

/// Calls `body` with an empty folder of its own, which is deleted afterwards.
@discardableResult
public func withTemporaryFolder<R>(_ body: (URL) throws -> R) throws -> R {
    let folder = try TemporaryFolder()
    return try withExtendedLifetime(folder) { try body(folder.url) }
}

/// The same for a body that waits.
@discardableResult
public func withTemporaryFolder<R>(_ body: (URL) async throws -> R) async throws -> R {
    let folder = try TemporaryFolder()
    defer { withExtendedLifetime(folder) {} }
    return try await body(folder.url)
}
