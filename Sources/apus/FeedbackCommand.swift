public import ArgumentParser
public import Datasets
import Feedback
import Foundation

/// What people and rules say of answers: in and out of the data folder.
struct FeedbackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "feedback", abstract: "Collect, exchange and keep what people say of answers.",
        subcommands: [
            FeedbackQueue.self, FeedbackReport.self, FeedbackCompare.self, FeedbackExport.self,
            FeedbackImport.self, FeedbackDelete.self, FeedbackBackupCommand.self, FeedbackRestore.self,
        ])
}

/// A data folder: feedback is in feedback.sqlite, images in images/.
struct DataFolder {
    let path: String

    var storePath: String { FeedbackFolder.storePath(in: path) }

    /// The folder with its store, which is created if there is none.
    func open() throws -> FeedbackFolder { try FeedbackFolder(path: path) }

    /// The folder with its store, if there is one.
    func openExisting() throws -> FeedbackFolder {
        guard FileManager.default.fileExists(atPath: storePath) else {
            throw ValidationError(
                "there is no \(storePath): no feedback is kept in \(path); name its folder with --data-path")
        }
        return try FeedbackFolder(path: path)
    }

    var images: ImageFolder { ImageFolder(dataFolder: path) }
}

extension PreferenceRecord.Labeler.Kind: ExpressibleByArgument {}

/// Writes the newest rankings of each labeler, thumbs, or answers written by hand.
struct FeedbackExport: ParsableCommand {
    /// The formats of exports.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        /// A JSON lines file of complete rankings.
        case records
        /// Preferred pairs in the format of TRL, OpenRLHF and verl.
        case pairs
        /// Thumbs in TRL's format of unpaired preferences.
        case kto
        /// Answers written by hand in the format of OpenAI's fine-tuning files.
        case demonstrations
    }

    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write rankings, thumbs or answers written by hand, for trainers.",
        discussion: "Example: apus feedback export rankings.jsonl")

    @OptionGroup var data: DataFolderOption

    @Option(
        help: ArgumentHelp(
            "What to write: records, pairs, kto or demonstrations.",
            discussion: """
                records: one file of complete rankings, for `apus train reward`. The others write a folder with one \
                JSON lines file and images/: pairs.jsonl with preferred pairs, kto.jsonl with thumbs, \
                demonstrations.jsonl with answers written by hand.
                """))
    var format = Format.records

    @Option(help: "Only rankings by this kind of labeler: human or simulated-rule.")
    var kind: PreferenceRecord.Labeler.Kind?

    @Option(help: "The folder of easy-VQA 1.0, for its images. Default: the folder that `make data` fetches.")
    var easyVQA = Cache.easyVQA

    @OptionGroup var drawing: DrawingOptions

    @Argument(help: "The file (records) or folder (other formats) to write.")
    var output: String

    func validate() throws {
        guard kind == nil || format == .records || format == .pairs else {
            throw ValidationError("--kind: \(format.rawValue) are by people only")
        }
    }

    func run() throws {
        let folder = try DataFolder(path: data.dataPath).openExisting()
        let source = ImageSource(
            easyVQA: URL(fileURLWithPath: easyVQA), kept: folder.images, generator: drawing.generator)
        let files = FeedbackFiles(folder: output, file: source.file)
        switch format {
        case .records: try writeRecords(of: folder.store)
        case .pairs:
            let judgements = try folder.store.judgements(by: kind)
            let allowed = judgements.filter(\.details.mayBeExported)
            let pairs = try files.writePairs(allowed)
            say("\(pairs) pairs of \(Self.text(allowed.map(\.labeler))): \(output)/pairs.jsonl")
            Self.report(kept: judgements.count - allowed.count, "rankings")
        case .kto:
            let thumbs = try folder.store.thumbs()
            let allowed = thumbs.filter(\.thumb.mayBeExported)
            let lines = try files.writeUnpaired(allowed)
            let up = allowed.count { $0.thumb.isUp }
            say("\(lines) thumbs (\(up) up, \(lines - up) down): \(output)/kto.jsonl")
            Self.report(kept: thumbs.count - allowed.count, "thumbs")
        case .demonstrations:
            let lines = try files.writeDemonstrations(folder.store.demonstrations())
            say("\(lines) answers written by hand: \(output)/demonstrations.jsonl")
        }
    }

    private func writeRecords(of store: FeedbackStore) throws {
        let judgements = try store.judgements(by: kind)
        let allowed = judgements.filter(\.details.mayBeExported)
        let records = allowed.compactMap(\.record)
        let lines = try records.reduce(into: Data()) { $0 += try $1.line() }
        try lines.write(to: URL(fileURLWithPath: output), options: .atomic)
        say("\(Self.text(records.map(\.labeler))): \(output)")
        Self.report(kept: judgements.count - allowed.count, "rankings")
        if allowed.count > records.count {
            say(
                "left out: \(allowed.count - records.count) of dialogues with several turns or images; "
                    + "--format pairs has them")
        }
    }

    private static func text(_ labelers: [PreferenceRecord.Labeler]) -> String {
        "\(labelers.count) rankings (\(labelers.count { $0.kind == .human }) human)"
    }

    private static func report(kept: Int, _ what: String) {
        if kept > 0 { say("left out: \(kept) \(what) whose labeler did not let them be used") }
    }
}

/// Imports rankings that were made or exported elsewhere.
struct FeedbackImport: ParsableCommand {
    /// The formats of imports.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        /// A JSON lines file of complete rankings.
        case records
        /// Preferred pairs in the format of TRL, OpenRLHF and verl.
        case pairs
        /// Argilla's records.
        case argilla
        /// Label Studio's tasks.
        case labelStudio = "label-studio"
        /// Battles of Chatbot Arena.
        case arena
    }

    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Read rankings of this project, of other trainers or of labeling tools.",
        discussion: "Example: apus feedback import --format pairs pairs.jsonl")

    @OptionGroup var data: DataFolderOption

    @Option(
        help: ArgumentHelp(
            "The file's format: records, pairs, argilla, label-studio or arena.",
            discussion: """
                records: complete rankings, JSON lines. pairs: prompt, chosen and rejected messages, JSON lines. \
                argilla: the JSON file of records.to_json. label-studio: the JSON export of the templates Pairwise and \
                Ranker. arena: JSON lines with conversation_a, conversation_b and winner.
                """))
    var format = Format.records

    @Option(help: "The labeler of rankings that name none.")
    var labeler = "imported"

    @Option(help: "The kind of that labeler: human or simulated-rule. Only with pairs.")
    var kind: PreferenceRecord.Labeler.Kind?

    @Argument(help: "The file; the image paths of pairs are relative to its folder.")
    var input: String

    func validate() throws {
        guard kind == nil || format == .pairs else { throw ValidationError("--kind is for --format pairs") }
        if labeler.isEmpty { throw ValidationError("--labeler must not be empty") }
    }

    func run() throws {
        let folder = DataFolder(path: data.dataPath)
        let read: [(line: Int, record: PreferenceRecord)]
        switch format {
        case .records: read = try PreferenceRecord.numbered(path: input)
        case .pairs:
            read = try ConversationalPreference.load(
                path: input, labeler: .init(kind: kind ?? .human, id: labeler), keep: { try folder.images.keep($0) })
        case .argilla: read = try foreign(.argilla)
        case .labelStudio: read = try foreign(.labelStudio)
        case .arena: read = try foreign(.arena)
        }
        for (line, record) in read { try check(record, line: line, images: folder.images) }
        let isNew: [Bool]
        do {
            isNew = try folder.open().store.appendEach(read.map(\.record), at: Date())
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

    /// A ranking without its image would stop every later export, and a report prints names as they are.
    private func check(_ record: PreferenceRecord, line: Int, images: ImageFolder) throws {
        let name = record.labeler.id
        guard name.count <= 200, name.unicodeScalars.allSatisfy({ $0.properties.generalCategory.isPrintable }) else {
            throw ValidationError(
                "\(input): line \(line): labeler: expected up to 200 characters without control characters; nothing was "
                    + "imported")
        }
        guard case .stored(let digest) = record.image else { return }
        guard (try? images.file(sha256: digest)) != nil else {
            throw ValidationError(
                "\(input): line \(line): picture: there is no image \(digest) in the data folder; import pairs, which name "
                    + "image files; nothing was imported")
        }
    }

    private func foreign(_ tool: ForeignRankings.Tool) throws -> [(line: Int, record: PreferenceRecord)] {
        let file = try ForeignRankings(path: input, from: tool, labeler: labeler)
        for (reason, records) in Dictionary(grouping: file.skipped, by: \.reason).sorted(by: { $0.key < $1.key }) {
            say("no ranking: \(Self.text(records.map(\.number), of: tool == .arena ? "line" : "record")): \(reason)")
        }
        return file.rankings
    }

    /// The line numbers as text, limited to the first twenty.
    private static func text(_ lines: [Int], of what: String = "line") -> String {
        let shown = lines.prefix(20).map { "\($0)" }.joined(separator: ", ")
        let more = lines.count > 20 ? " and \(lines.count - 20) more" : ""
        return (lines.count == 1 ? "\(what) " : "\(what)s ") + shown + more
    }
}

extension Unicode.GeneralCategory {
    /// Whether a character of this category leaves the terminal's state and line as they are.
    fileprivate var isPrintable: Bool {
        switch self {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        default: true
        }
    }
}
