import Logging
import Synchronization

/// Records log entries.
final class LogRecorder: Sendable {
    private let kept = Mutex<[String]>([])

    /// Level, message and metadata of each entry.
    var lines: [String] { kept.withLock { $0 } }

    /// A logger that writes to this recorder.
    var logger: Logger { Logger(label: "test") { _ in Handler(recorder: self) } }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var logLevel = Logger.Level.info
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
            recorder.kept.withLock { $0.append("\(event.level) \(event.message)\(fields.joined())") }
        }
    }
}
