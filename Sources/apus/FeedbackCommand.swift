public import ArgumentParser
public import Datasets
import Feedback
import Foundation

/// Exports rankings from the feedback store and imports them into it.
struct FeedbackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "feedback", abstract: "Export and import rankings of answers.",
        subcommands: [FeedbackExport.self, FeedbackImport.self])
}

/// The exchange formats of rankings.
enum FeedbackFormat: String, ExpressibleByArgument, CaseIterable {
    /// A JSON lines file of complete rankings.
    case records
    /// Preferred pairs in the format of TRL, OpenRLHF and verl.
    case pairs
}

/// A data folder: rankings are in feedback.sqlite, images in images/.
struct DataFolder {
    let path: String

    var storePath: String { path + "/feedback.sqlite" }

    func store() throws -> FeedbackStore {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        chmod(path, 0o700)
        return try FeedbackStore(path: storePath)
    }

    /// The store, if there is one.
    func existingStore() throws -> FeedbackStore {
        guard FileManager.default.fileExists(atPath: storePath) else {
            throw ValidationError(
                "there is no \(storePath): no rankings are kept in \(path); name their folder with --data-path")
        }
        return try FeedbackStore(path: storePath)
    }

    var images: ImageFolder { ImageFolder(dataFolder: path) }
}

extension PreferenceRecord.Labeler.Kind: ExpressibleByArgument {}

/// Writes the newest rankings of each labeler.
struct FeedbackExport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write rankings as JSON lines, or as preferred pairs for other trainers.",
        discussion: "Example: apus feedback export rankings.jsonl")

    @OptionGroup var data: DataFolderOption

    @Option(help: "records: one file of complete rankings; pairs: a folder with pairs.jsonl and images/.")
    var format = FeedbackFormat.records

    @Option(help: "Only rankings by this kind of labeler: human or simulated-rule.")
    var kind: PreferenceRecord.Labeler.Kind?

    @Option(help: "The folder of easy-VQA 1.0, for its images. Default: the folder that `make data` fetches.")
    var easyVQA = Cache.easyVQA

    @Argument(help: "The file (records) or folder (pairs) to write.")
    var output: String

    func run() throws {
        let folder = DataFolder(path: data.dataPath)
        let store = try folder.existingStore()
        let records = try store.records(by: kind)
        let human = records.count { $0.labeler.kind == .human }
        switch format {
        case .records:
            let lines = try records.reduce(into: Data()) { $0 += try $1.line() }
            try lines.write(to: URL(fileURLWithPath: output), options: .atomic)
            say("\(records.count) rankings (\(human) human): \(output)")
        case .pairs:
            let source = ImageSource(easyVQA: URL(fileURLWithPath: easyVQA), kept: folder.images) {
                $0.image(seed: $1)
            }
            let pairs = try ConversationalPreference.write(records, into: output, file: source.file)
            say("\(pairs) pairs of \(records.count) rankings (\(human) human): \(output)/pairs.jsonl")
        }
    }
}

/// Imports rankings that were made or exported elsewhere.
struct FeedbackImport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Read rankings as JSON lines, or preferred pairs of other trainers.",
        discussion: "Example: apus feedback import --format pairs pairs.jsonl")

    @OptionGroup var data: DataFolderOption

    @Option(help: "records: complete rankings; pairs: prompt, chosen and rejected messages.")
    var format = FeedbackFormat.records

    @Option(help: "The labeler of pairs that name none.")
    var labeler = "imported"

    @Option(help: "The kind of that labeler: human or simulated-rule.")
    var kind = PreferenceRecord.Labeler.Kind.human

    @Argument(help: "The JSON lines file; the image paths of pairs are relative to its folder.")
    var input: String

    func run() throws {
        let folder = DataFolder(path: data.dataPath)
        let read: [(line: Int, record: PreferenceRecord)]
        switch format {
        case .records: read = try PreferenceRecord.numbered(path: input)
        case .pairs:
            read = try ConversationalPreference.load(
                path: input, labeler: .init(kind: kind, id: labeler), keep: folder.images.keep)
        }
        let isNew: [Bool]
        do {
            isNew = try folder.store().appendEach(read.map(\.record), at: Date())
        } catch FeedbackError.otherComparison(let id) {
            let lines = read.filter { $0.record.id == id }.map(\.line)
            throw ValidationError(
                "\(input): \(Self.text(lines)): id: the store or another line has a comparison \(id) with another question or "
                    + "other answers; nothing was imported")
        }
        say("\(isNew.count { $0 }) of \(read.count) rankings are new in \(folder.storePath)")
        let known = zip(read, isNew).filter { !$1 }.map(\.0.line)
        if !known.isEmpty { say("\(known.count) were there already or twice in the file: \(Self.text(known))") }
    }

    /// The line numbers as text, limited to the first twenty.
    private static func text(_ lines: [Int]) -> String {
        let shown = lines.prefix(20).map { "\($0)" }.joined(separator: ", ")
        let more = lines.count > 20 ? " and \(lines.count - 20) more" : ""
        return (lines.count == 1 ? "line " : "lines ") + shown + more
    }
}
