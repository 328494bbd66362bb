public import ArgumentParser
public import Datasets
import Feedback
import Foundation

/// Moves rankings in and out of the feedback store.
struct FeedbackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "feedback", abstract: "Export and import rankings of answers.",
        subcommands: [FeedbackExport.self, FeedbackImport.self])
}

/// The forms in which rankings are exchanged.
enum FeedbackFormat: String, ExpressibleByArgument, CaseIterable {
    /// A JSON lines file of whole rankings.
    case records
    /// Preferred pairs as TRL, OpenRLHF and verl read them.
    case pairs
}

/// Where rankings are kept.
struct StoreOptions: ParsableArguments {
    @Option(help: "The data folder: rankings are in its feedback.sqlite, pictures in its images/.")
    var data = "data"

    func store() throws -> FeedbackStore {
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        return try FeedbackStore(path: data + "/feedback.sqlite")
    }

    var pictures: PictureFolder { PictureFolder(dataFolder: data) }
}

extension PreferenceRecord.Labeler.Kind: ExpressibleByArgument {}

/// Writes the newest rankings of each labeler.
struct FeedbackExport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write rankings as JSON lines, or as preferred pairs for other trainers.")

    @OptionGroup var store: StoreOptions

    @Option(help: "records: one file of whole rankings; pairs: a folder with pairs.jsonl and images/.")
    var format = FeedbackFormat.records

    @Option(help: "Only rankings by this kind of labeler: human or simulated-rule.")
    var kind: PreferenceRecord.Labeler.Kind?

    @Option(help: "The folder of easy-VQA 1.0, for its pictures. Default: the one that `make data` fetched.")
    var easyVQA = Cache.easyVQA

    @Argument(help: "The file (records) or folder (pairs) to write.")
    var output: String

    func run() throws {
        let store = try store.store()
        let records = try store.records(by: kind)
        let human = records.count { $0.labeler.kind == .human }
        switch format {
        case .records:
            let lines = try records.reduce(into: Data()) { $0 += try $1.line() }
            try lines.write(to: URL(fileURLWithPath: output), options: .atomic)
            say("\(records.count) rankings (\(human) human): \(output)")
        case .pairs:
            let source = PictureSource(easyVQA: URL(fileURLWithPath: easyVQA), kept: self.store.pictures) {
                $0.picture(seed: $1)
            }
            let pairs = try ConversationalPreference.write(records, into: output, file: source.file)
            say("\(pairs) pairs of \(records.count) rankings (\(human) human): \(output)/pairs.jsonl")
        }
    }
}

/// Reads rankings that were made or exported elsewhere.
struct FeedbackImport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Read rankings as JSON lines, or preferred pairs of other trainers.")

    @OptionGroup var store: StoreOptions

    @Option(help: "records: whole rankings; pairs: prompt, chosen and rejected messages.")
    var format = FeedbackFormat.records

    @Option(help: "Who preferred, where a pair does not say it.")
    var labeler = "imported"

    @Option(help: "What kind of labeler that is: human or simulated-rule.")
    var kind = PreferenceRecord.Labeler.Kind.human

    @Argument(help: "The JSON lines file; pictures of pairs are found from its folder.")
    var input: String

    func run() throws {
        let records: [PreferenceRecord]
        switch format {
        case .records: records = try PreferenceRecord.load(path: input)
        case .pairs:
            records = try ConversationalPreference.load(path: input, labeler: .init(kind: kind, id: labeler)) {
                try store.pictures.keep(Data(contentsOf: $0))
            }
        }
        let appended = try store.store().append(records, at: Date())
        say("\(appended) of \(records.count) rankings are new")
    }
}
