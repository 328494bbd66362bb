import Checkpoints
import Foundation
import Policies
import Support

/// Why a run's folder cannot be used.
public enum RunFolderError: Error, Equatable, CustomStringConvertible {
    /// Another process uses the folder.
    case taken(path: String)
    /// The folder belongs to a run with other settings.
    case otherConfiguration(path: String, field: String, found: String, asked: String)
    /// A file of the folder cannot be read or written.
    case file(path: String, reason: String)
    /// A checkpoint lacks a tensor or has it in another shape.
    case checkpoint(path: String, reason: String)

    /// What is wrong, where, and what was expected.
    public var description: String {
        switch self {
        case .taken(let path):
            "\(path): a run is going on in this folder; wait until it has ended, or choose another folder with --run"
        case .otherConfiguration(let path, let field, let found, let asked):
            "\(path): the run there was started with \(field) = \(found), now it is \(asked); choose another folder"
        case .file(let path, let reason): "\(path): \(reason)"
        case .checkpoint(let path, let reason): "\(path): \(reason); delete it to start over"
        }
    }
}

/// The folder of a training run: its settings (`config.json`), its measurements (`log.jsonl`, one object per step;
/// plots, for example `loss.svg`) and the state to resume from (`checkpoint.safetensors`).
public struct RunFolder: Sendable {
    /// The folder.
    public let path: String
    /// Held as long as the run is open: two processes in one folder would overwrite each other's state.
    private let lock: FolderLock

    /// Creates the folder at `path`, or opens it if its run has the same configuration or has not begun.
    ///
    /// The configuration should hold everything that decides the run's result, including input files by their SHA-256.
    /// - Throws: `RunFolderError.taken` while another value of this type has the folder open, here or in another
    ///   process; `RunFolderError.otherConfiguration` naming the first field that differs.
    public init(path: String, configuration: some Encodable) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        do throws(FolderLock.Failure) { lock = try FolderLock(folder: path) } catch {
            switch error {
            case .taken: throw RunFolderError.taken(path: path)
            case .file(let path, let reason): throw RunFolderError.file(path: path, reason: reason)
            }
        }
        AtomicFile.removeLeftovers(in: path)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        let asked = try encoder.encode(configuration)
        let file = Self.configurationPath(in: path)
        guard try Self.hasBegun(in: path) else {
            try AtomicFile.write([UInt8](asked) + [UInt8(ascii: "\n")], to: file)
            return
        }
        let old = try Self.contents(of: file)
        if let difference = try Self.difference(Self.settings(old, of: file), Self.settings(asked, of: file)) {
            throw RunFolderError.otherConfiguration(
                path: file, field: difference.field, found: difference.old, asked: difference.new)
        }
    }

    private static func settings(_ data: Data, of file: String) throws -> JSON {
        do { return try JSON.parse([UInt8](data), roundsLargeIntegers: true) } catch {
            throw RunFolderError.file(path: file, reason: "\(error)")
        }
    }

    /// The first field, in alphabetical order, whose values differ, with both values; nil if all are equal.
    private static func difference(
        _ old: JSON, _ new: JSON, at path: String = ""
    ) -> (field: String, old: String, new: String)? {
        guard case .object(let oldMembers) = old, case .object(let newMembers) = new else {
            return old == new ? nil : (path, old.text, new.text)
        }
        let oldFields = Dictionary(uniqueKeysWithValues: oldMembers.map { ($0.name, $0.value) })
        let newFields = Dictionary(uniqueKeysWithValues: newMembers.map { ($0.name, $0.value) })
        for name in Set(oldFields.keys).union(newFields.keys).sorted() {
            let field = path.isEmpty ? name : "\(path).\(name)"
            if let found = difference(oldFields[name] ?? .null, newFields[name] ?? .null, at: field) { return found }
        }
        return nil
    }

    /// The checkpoint's path.
    public var checkpointPath: String { path + "/checkpoint.safetensors" }

    /// Whether the run in `folder` has begun. A folder with only a configuration is of a run whose start failed, for
    /// example for a wrong flag.
    package static func hasBegun(in folder: String) throws -> Bool {
        guard FileManager.default.fileExists(atPath: folder) else { return false }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0 != FolderLock.fileName }
        return names.contains(configurationName) && names.count > 1
    }

    /// The name of the file with the settings.
    package static let configurationName = "config.json"

    /// The path of the settings of the run in `folder`.
    package static func configurationPath(in folder: String) -> String { "\(folder)/\(configurationName)" }

    static let logName = "log.jsonl"

    var logPath: String { "\(path)/\(Self.logName)" }

    /// The metrics, including the step, of the last complete line of the log in `folder`.
    ///
    /// - Throws: `RunFolderError.file` if there is none.
    static func lastMetrics(in folder: String) throws -> [String: Double] {
        let path = "\(folder)/\(logName)"
        let lines = String(decoding: try contents(of: path), as: UTF8.self).split(separator: "\n")
        guard let last = lines.lazy.reversed().compactMap({ LogLine(json: String($0)) }).first else {
            throw RunFolderError.file(path: path, reason: "there is no line")
        }
        return last.values.reduce(into: ["step": Double(last.step)]) { $0[$1.name] = $1.value }
    }

    /// The log's lines of steps up to `step`. Later lines are removed from the file, since a resumed run repeats those
    /// steps.
    func log(upTo step: Int) throws -> [LogLine] {
        guard FileManager.default.fileExists(atPath: logPath) else { return [] }
        let lines = String(decoding: try Self.contents(of: logPath), as: UTF8.self).split(separator: "\n")
        let kept = lines.compactMap { LogLine(json: String($0)) }.filter { $0.step <= step }
        try AtomicFile.write(kept.flatMap { [UInt8](($0.json + "\n").utf8) }, to: logPath)
        return kept
    }

    /// Appends one line to the log.
    func append(_ line: LogLine) throws {
        if !FileManager.default.fileExists(atPath: logPath) {
            try AtomicFile.write([], to: logPath)
        }
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: logPath))
        defer { try? handle.close() }
        try handle.seekToEnd()
        try handle.write(contentsOf: Data((line.json + "\n").utf8))
    }

    /// Draws the metrics of `lines` that `plot` names.
    func draw(_ plot: MetricPlot, of lines: [LogLine]) throws {
        let names = Set(lines.flatMap { $0.values.map(\.name) }).filter(plot.shows)
        let series = names.sorted().map { name in
            LinePlot.Series(
                name: name,
                points: lines.compactMap { line in
                    line.values.first { $0.name == name }.map { (Double(line.step), $0.value) }
                })
        }
        try AtomicFile.write([UInt8](LinePlot(title: plot.title, series: series).svg.utf8), to: "\(path)/\(plot.file)")
    }

    private static func contents(of path: String) throws -> Data {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw RunFolderError.file(path: path, reason: "cannot be read")
        }
        return data
    }
}

/// One line of a run's log: the metrics of one step.
struct LogLine: Sendable, Equatable {
    struct Value: Sendable, Equatable {
        let name: String
        let value: Double
    }

    /// The number of finished steps.
    let step: Int
    let values: [Value]

    init(step: Int, values: [(name: String, value: Double)]) {
        self.step = step
        self.values = values.map { Value(name: $0.name, value: $0.value) }
    }

    /// The line's content; nil if it is not an object of numbers, like the incomplete last line of a killed run.
    init?(json: String) {
        guard let fields = try? JSONDecoder().decode([String: Double].self, from: Data(json.utf8)),
            let step = fields["step"].flatMap({ Int(exactly: $0) })
        else { return nil }
        self.init(
            step: step, values: fields.filter { $0.key != "step" }.sorted { $0.key < $1.key }.map { ($0, $1) })
    }

    /// The line as a JSON object, names in alphabetical order; metrics that are not finite are left out.
    var json: String {
        let fields = values.filter(\.value.isFinite).sorted { $0.name < $1.name }
        return "{\"step\":\(step)" + fields.map { ",\"\($0.name)\":\($0.value)" }.joined() + "}"
    }
}

/// The record of a stage that starts from a policy, written to `config.json`: the fields of the basis and the stage's
/// own fields, side by side.
struct StageRecord<Own: Encodable>: Encodable {
    let basis: PolicyBasis
    let own: Own

    func encode(to encoder: any Encoder) throws {
        try basis.encode(to: encoder)
        try own.encode(to: encoder)
    }
}
