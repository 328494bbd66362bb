import Foundation
public import Logging
import WireFormats

/// Writes each log entry as one line of JSON to the standard error.
public struct JSONLogHandler: LogHandler {
    /// Entries below it are dropped.
    public var logLevel = Logger.Level.info
    /// Added to every entry.
    public var metadata: Logger.Metadata = [:]
    /// Adds what the task knows.
    public var metadataProvider: Logger.MetadataProvider?

    /// A handler for `LoggingSystem.bootstrap` or a single logger.
    public init() {}

    /// Metadata of every entry, by key.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one entry; members are sorted by name after time, level and message.
    public func log(event: LogEvent) {
        var members = [
            JSON.Member("time", JSON(Date().timeIntervalSince1970)),
            JSON.Member("level", .string(event.level.rawValue)), JSON.Member("message", .string("\(event.message)")),
        ]
        let all = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) { $1 }
        for (name, value) in all.sorted(by: { $0.key < $1.key }) where !members.contains(where: { $0.name == name }) {
            members.append(JSON.Member(name, .string("\(value)")))
        }
        FileHandle.standardError.write(Data((JSON.object(members).text + "\n").utf8))
    }
}
