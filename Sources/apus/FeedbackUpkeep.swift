import ArgumentParser
import Datasets
import Feedback
import Foundation
import Images
import Serving
import WireFormats

/// Puts prompts into the queue of what people rank.
struct FeedbackQueue: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue", abstract: "Add prompts for people to rank answers to, from a JSON lines file.",
        discussion: """
            Example: apus feedback queue prompts.jsonl

            A line is {"question": "What is this?", "images": ["cats/0.png"]}, or has messages in OpenAI's form. Images \
            are paths below the file's folder, or data URLs. Optional: models and k, by which a server samples the \
            answers when a person asks for the next comparison; or answers, 2 to 9 given ones.
            """)

    @OptionGroup var data: DataFolderOption

    @Argument(help: "The JSON lines file.")
    var input: String

    func run() throws {
        guard let bytes = FileManager.default.contents(atPath: input) else {
            throw ValidationError("\(input): cannot be read")
        }
        let folder = try DataFolder(path: data.dataPath).open()
        var items: [FeedbackStore.QueueItem] = []
        let isNew = try folder.keepingImages { keep in
            for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                .enumerated()
            where !line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) {
                do {
                    items.append(try item(QueueLine(line: [UInt8](line))) { try keep(file($0), .standard) })
                } catch {
                    let reason = (error as? APIError)?.message ?? "\(error)"
                    throw ValidationError("\(input):\(index + 1): \(reason) Nothing was added.")
                }
            }
            return try folder.store.enqueue(items, images: folder.images, at: Date())
        }
        let summary = try folder.store.summary(for: LabelerName.anonymous.text, sharedLimit: 0)
        say("\(isNew.count { $0 }) of \(items.count) prompts are new; \(summary.waiting) wait for answers")
    }

    private func item(
        _ line: QueueLine, keep: (ImageReference) throws -> PreferenceImage
    ) throws -> FeedbackStore.QueueItem {
        let prompt = try line.messages.map { message in
            FeedbackMessage(
                role: message.role.stored,
                parts: try message.parts.map { part in
                    switch part {
                    case .text(let text): .text(text)
                    case .image(let reference): .image(try keep(reference))
                    }
                })
        }
        return FeedbackStore.QueueItem(
            content: .init(prompt: prompt, models: line.models, samples: line.samples),
            answers: line.answers.map {
                .init(text: $0.text, tokens: [], policy: $0.model, finishReason: .stop)
            })
    }

    private func file(_ reference: ImageReference) throws -> Data {
        if case .url(let url) = reference.source, !url.contains(":") {
            return try ConversationalPreference.imageFile(
                url, in: URL(fileURLWithPath: input).deletingLastPathComponent())
        }
        return Data(try reference.bytes(limit: ImageLimits.standard.maximumBytes))
    }
}

extension DialogueMessage.Role {
    fileprivate var stored: FeedbackMessage.Role {
        switch self {
        case .system: .system
        // The queue's lines have no results of functions.
        case .user, .tool: .user
        case .assistant: .assistant
        }
    }
}

/// Prints what the store has.
struct FeedbackReport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Count feedback by kind and by labeler, and measure how far people agree.",
        discussion: "Example: apus feedback report")

    @OptionGroup var data: DataFolderOption

    func run() throws {
        let folder = try DataFolder(path: data.dataPath).openExisting()
        let counts = try folder.store.counts()
        let summary = try folder.store.summary(for: LabelerName.anonymous.text)
        for kind in PreferenceRecord.Labeler.Kind.allCases {
            let own = counts.filter { $0.labeler.kind == kind }
            let names = Set(own.map(\.labeler.id)).sorted()
            say("\(kind.rawValue): \(Self.text(own.map { ($0.form, $0.count) })) by \(names.count) labelers")
            for name in names {
                say("  \(name): \(Self.text(own.filter { $0.labeler.id == name }.map { ($0.form, $0.count) }))")
            }
        }
        say("answers written by hand: \(summary.demonstrations)")
        say("queue: \(summary.waiting) prompts wait for answers")
        for failure in try folder.store.failures() { say("  prompt \(failure.prompt): \(failure.reason)") }
        say(Self.text(summary.agreement))
    }

    private static func text(_ counts: [(form: String, count: Int)]) -> String {
        let sums = Dictionary(counts.map { ($0.form, $0.count) }, uniquingKeysWith: +)
        return ["ranking", "thumb", "skip"].map { "\(sums[$0] ?? 0) \($0)s" }.joined(separator: ", ")
    }

    private static func text(_ agreement: FeedbackSummary.Agreement) -> String {
        guard let share = agreement.share else {
            return "agreement: no two people order the same two answers yet"
        }
        let percent = (share * 1000).rounded() / 10
        return "agreement: two people order two answers alike in \(percent) % of \(agreement.pairs) cases, over "
            + "\(agreement.comparisons) comparisons (ties not counted; InstructGPT's labelers: 72.6 %)"
    }
}

/// Tells whether people prefer one policy to another.
struct FeedbackCompare: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Tell which of two policies people prefer, and whether that is decided. Look as often as you like.",
        discussion: """
            Comparisons with answers of exactly these two policies count; people rank without knowing whose answers \
            they are. The test is sequential: that it decides although neither policy is preferred has at most the \
            probability --error, whenever and however often you look.

            Example: apus feedback compare mine sft
            """)

    @OptionGroup var data: DataFolderOption

    @Argument(help: "A policy, like mine or mine@2.")
    var first: String

    @Argument(help: "The other policy.")
    var second: String

    @Option(help: "The probability of a wrong decision, 0.001 to 0.5.")
    var error = BlindTest.standardError

    func validate() throws {
        guard BlindTest.errors.contains(error) else { throw ValidationError("--error takes 0.001 to 0.5") }
        guard !BlindTest.overlap(first, second) else {
            throw ValidationError("\(first) and \(second): a policy cannot be compared with itself")
        }
    }

    func run() throws {
        let folder = try DataFolder(path: data.dataPath).openExisting()
        let test = BlindTest(first, second, in: try folder.store.blindJudgements(), error: error)
        func percent(_ share: Double) -> String { String(format: "%.1f", 100 * share) }
        say("\(first) against \(second): \(test.wins) won, \(test.ties) tied, \(test.losses) lost")
        say("win rate: \(percent(test.rate)) %, ties counting half")
        say(
            "of those that are no ties: \(percent(test.interval.lowerBound)) to "
                + "\(percent(test.interval.upperBound)) % are won, at every look together with error \(error)")
        switch test.verdict {
        case .first: say("decided: people prefer \(first)")
        case .second: say("decided: people prefer \(second)")
        case .undecided: say("undecided: more rankings are needed")
        }
    }
}

/// Deletes what a person said, or an image.
struct FeedbackDelete: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete a person's feedback or an image, so that no bytes of it are left.",
        discussion: """
            Example: apus feedback delete --labeler anna

            The comparisons that the person asked for are deleted too, with all feedback on them. With --image, \
            everything asked and said about the image is deleted. Backups and exports keep what they have.
            """)

    @OptionGroup var data: DataFolderOption

    @Option(help: "The person's name in rankings.")
    var labeler: String?

    @Option(help: ArgumentHelp("The SHA-256 of the image's file.", valueName: "sha256"))
    var image: String?

    func validate() throws {
        guard (labeler == nil) != (image == nil) else {
            throw ValidationError("exactly one of --labeler and --image is needed")
        }
        if let image, PreferenceImage(digest: image) == nil {
            throw ValidationError("--image takes 64 hexadecimal digits in lower case")
        }
    }

    func run() throws {
        let folder = try DataFolder(path: data.dataPath).openExisting()
        let deletion: FeedbackDeletion
        if let labeler {
            deletion = try folder.delete(labeler: labeler)
        } else {
            deletion = try folder.delete(image: image ?? "")
        }
        guard deletion != FeedbackDeletion() else {
            throw ValidationError("\(folder.path) has nothing of \(labeler ?? image ?? "")")
        }
        say(
            "deleted: \(deletion.opinions) rankings, thumbs and skips, \(deletion.comparisons) comparisons, "
                + "\(deletion.prompts) prompts of the queue, \(deletion.images) images, \(deletion.uploads) uploaded files"
        )
    }
}

/// Writes a backup.
struct FeedbackBackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Write all feedback and its images to one file. A server may run meanwhile.",
        discussion: "Example: apus feedback backup feedback-2027-01-31.sqlite")

    @OptionGroup var data: DataFolderOption

    @Argument(help: "The file to write; one of that name is replaced once the new one is complete.")
    var output: String

    func run() throws {
        let folder = try DataFolder(path: data.dataPath).openExisting()
        let content = try FeedbackBackup.write(folder, to: output)
        say("\(content.opinions) rankings, thumbs and skips and \(content.images) images: \(output)")
    }
}

/// Restores a backup.
struct FeedbackRestore: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Put a backup into the data folder. No server may use it meanwhile.",
        discussion: "Example: apus feedback restore feedback-2027-01-31.sqlite")

    @OptionGroup var data: DataFolderOption

    @Argument(help: "The backup.")
    var input: String

    func run() throws {
        let lock = try DataLock(folder: data.dataPath)
        let time = Date().formatted(.iso8601.year().month().day().time(includingFractionalSeconds: false))
        let aside = "\(data.dataPath)/before-restore-\(time.filter { $0.isNumber || $0 == "T" })"
        let content = try FeedbackBackup.restore(input, to: data.dataPath, aside: aside)
        say("restored \(content.opinions) rankings, thumbs and skips and \(content.images) images")
        say("what was there before: \(aside)")
        withExtendedLifetime(lock) {}
    }
}
