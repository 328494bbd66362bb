package import Foundation
public import Logging
import Support
import WireFormats

/// Writes each log entry as one line of JSON to the standard error.
public struct JSONLogHandler: LogHandler {
    /// Entries below it are dropped.
    public var logLevel = Logger.Level.info
    /// Added to every entry.
    public var metadata: Logger.Metadata = [:]
    /// Adds the metadata of the current task.
    public var metadataProvider: Logger.MetadataProvider?

    /// A handler for `LoggingSystem.bootstrap` or a single logger.
    public init() {}

    /// Metadata for every entry, by key.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one entry: time, level, event, then the other fields, sorted by name. A library's text message gets the
    /// event `message`.
    public func log(event: LogEvent) {
        FileHandle.standardError.write(Data((line(event, at: Date()) + "\n").utf8))
    }

    package func line(_ event: LogEvent, at time: Date) -> String {
        let text = "\(event.message)"
        let isEvent = text.allSatisfy { $0.isLowercase || $0 == "." || $0 == "_" }
        var members = [
            JSON.Member("ts", .string(time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)))),
            JSON.Member("level", .string(event.level.rawValue)),
            JSON.Member("event", .string(isEvent ? text : "message")),
        ]
        if !isEvent { members.append(JSON.Member("message", .string(text))) }
        let all = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) { $1 }
        for (name, value) in all.sorted(by: { $0.key < $1.key }) where !members.contains(where: { $0.name == name }) {
            members.append(JSON.Member(name, Self.json(value)))
        }
        return JSON.object(members).text
    }

    /// Numbers stay numbers, so that log readers can compare them.
    private static func json(_ value: Logger.MetadataValue) -> JSON {
        guard case .stringConvertible(let value) = value else { return .string("\(value)") }
        return switch value {
        case let number as Int: JSON(number)
        case let number as Double: JSON(number)
        default: .string("\(value)")
        }
    }
}
