import ArgumentParser
import Checkpoints
import Datasets
import Evaluation
import Foundation
import Images
import Models
import Policies
import Training

/// Reads own data and reports what training would make of them.
struct DataCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Read your own data, name every line that cannot be used, and report what is noteworthy.",
        discussion: """
            Exits with status 1 if a line cannot be used. Formats: docs/own-data.md.
            Example: apus data check icons/ --sheet sheet.png
            """)

    @OptionGroup var model: ModelOptions

    @OptionGroup var sight: SightOptions

    @Argument(help: ArgumentHelp("Files, or folders with the files in them.", valueName: "path"))
    var paths: [String]

    @Option(
        help: ArgumentHelp("Draw the first images, up to 96, on a sheet: the PNG file to write.", valueName: "file"))
    var sheet: String?

    @Option(help: ArgumentHelp("The share of the images that training would hold out, 0 to 0.9.", valueName: "share"))
    var heldOut = 0.1

    func validate() throws {
        guard (0...0.9).contains(heldOut) else { throw ValidationError("--held-out takes 0 to 0.9") }
    }

    func run() throws {
        let data = try paths.map { try OwnData(path: $0) }
        let examples = data.flatMap(\.examples)
        var faults = data.flatMap(\.faults)
        let lengths = try lengths(of: examples)
        faults += lengths?.faults ?? []
        // Names and values come from the files: control characters would reach the terminal.
        for fault in faults { say(fault.description.escapingControls) }
        let findings = OwnDataFindings(examples)
        say(rows(of: findings, faults: faults.count, files: data.reduce(0) { $0 + $1.files.count }))
        say(split(examples, leaks: findings.leaks))
        say(
            lengths.map { rows(of: $0) }
                ?? row("tokens", "not counted, without a base model and a policy to start from"))
        say(remarks(on: findings))
        if let sheet { try draw(examples, to: sheet) }
        if !faults.isEmpty || !findings.leaks.isEmpty { throw ExitCode(1) }
    }

    // MARK: Tokens

    /// The lengths as the policy to start from reads them; nil if there is no base model or no policy.
    private func lengths(of examples: [OwnExample]) throws -> OwnDataLengths? {
        guard !examples.isEmpty, FileManager.default.fileExists(atPath: model.model) else { return nil }
        let checkpoint = try model.checkpoint()
        let vision = try visionFile(of: checkpoint)
        if vision == nil, checkpoint.vision == nil { return nil }
        let (_, format) = try FineTuningJob.sight(of: checkpoint, vision: vision, on: try model.compute())
        return try OwnDataLengths(
            examples, format: format, contextLength: checkpoint.decoder.configuration.contextLength)
    }

    /// As in training; if neither policy nor encoder is named, the `sft` that comes with the program stands in. Nil is
    /// the base model's own vision.
    private func visionFile(of checkpoint: ModelCheckpoint) throws -> String? {
        if sight.vision != nil || sight.from != nil || checkpoint.vision != nil {
            return try sight.visionFile(of: checkpoint)
        }
        let shipped = Installation.path("Deploy/policies")
        guard let generation = try PolicyLibrary(published: nil, shipped: shipped).current()[PolicyRole.sft.name] else {
            return nil
        }
        return try SightOptions.visionFile(ofPolicy: "\(shipped)/\(PolicyRole.sft.name)/\(generation)")
    }

    private func rows(of lengths: OwnDataLengths) -> String {
        let rows = [
            ("tokens an example", lengths.tokens), ("tokens an answer", lengths.answerTokens),
            ("tokens an image", lengths.imageTokens), ("tiles an image", lengths.tiles),
        ]
        return rows.compactMap { name, values in
            LengthQuantiles(values).map {
                row(name, "\($0.minimum) to \($0.maximum), median \($0.median), 90 % up to \($0.p90)")
            }
        }.joined(separator: "\n")
    }

    // MARK: The report

    private func row(_ name: String, _ text: String) -> String {
        name.padding(toLength: max(19, name.count + 1), withPad: " ", startingAt: 0) + text
    }

    private func rows(of findings: OwnDataFindings, faults: Int, files: Int) -> String {
        let kinds = [
            (findings.prompts, "without an answer, for rankings"), (findings.withoutImage, "without an image"),
            (findings.withSeveralImages, "with several images"), (findings.laterTurns, "with earlier turns"),
        ].filter { $0.0 > 0 }.map { "\($0) \($1)" }
        return [
            row("files", "\(files)"),
            row("bad lines", "\(faults)"),
            row("examples", (["\(findings.examples)"] + kinds).joined(separator: ", ")),
            row("images", "\(findings.images) different"),
            row("questions", "\(findings.questions) different"),
        ].joined(separator: "\n")
    }

    private func split(_ examples: [OwnExample], leaks: [OwnDataFault]) -> String {
        guard leaks.isEmpty, let split = try? OwnDataSplit(examples, share: heldOut) else {
            return row("held out", "the splits share images, see below")
        }
        let images = Set(split.heldOut.flatMap { $0.images.map(\.digest) }).count
        return row("held out", "\(split.heldOut.count) examples with \(images) images")
    }

    private func remarks(on findings: OwnDataFindings) -> String {
        var lines: [String] = []
        let answers = findings.examples - findings.prompts
        for answer in findings.commonAnswers {
            let text = answer.text.count > 60 ? answer.text.prefix(60) + "…" : answer.text
            let share = String(format: "%.1f", 100 * Double(answer.count) / Double(answers))
            lines.append(row("common answer", "\(share) % (\(answer.count)): \(text)"))
        }
        lines += listed("duplicates", findings.duplicates.map { "\($0.second) repeats \($0.first)" })
        lines += listed(
            "contradictions", findings.contradictions.map { "\($0.second) answers otherwise than \($0.first)" })
        lines += listed("leaks", findings.leaks.map(\.description))
        if findings.imageAfterText > 0 {
            lines.append(
                row(
                    "note",
                    "\(findings.imageAfterText) questions come before their image; web page and /v1/ask show images "
                        + "first"))
        }
        return lines.isEmpty ? row("remarks", "none") : lines.joined(separator: "\n")
    }

    private func listed(_ name: String, _ items: [String]) -> [String] {
        guard !items.isEmpty else { return [] }
        let shown = items.prefix(10).map { "  \($0)" }
        return [row(name, "\(items.count)")] + shown + (items.count > 10 ? ["  … and \(items.count - 10) more"] : [])
    }

    // MARK: The sheet

    private static let sheetImages = 96
    private static let cell = 128

    private func draw(_ examples: [OwnExample], to path: String) throws {
        var seen: Set<String> = []
        let images = examples.flatMap(\.images).filter { seen.insert($0.digest).inserted }.prefix(Self.sheetImages)
        guard !images.isEmpty else { throw ValidationError("--sheet: there is no image to draw") }
        let thumbnails = try images.map { try Self.thumbnail($0.decoded()) }
        let sheet = ContactSheet.image(of: thumbnails, columns: min(12, thumbnails.count), gap: 4)
        try Data(ImageFile.encode(sheet)).write(to: URL(fileURLWithPath: path), options: .atomic)
        say(row("sheet", "\(path), the first \(thumbnails.count) images"))
    }

    private static func thumbnail(_ image: RGBImage) -> RGBImage {
        let side = max(image.width, image.height)
        guard side > cell else { return image }
        return image.resized(
            width: max(1, image.width * cell / side), height: max(1, image.height * cell / side), filter: .bilinear)
    }
}

extension String {
    /// With control characters, line ends included, as escapes: one line that changes nothing in a terminal.
    fileprivate var escapingControls: String {
        String(
            unicodeScalars.flatMap { scalar -> [Character] in
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator: scalar.escaped(asASCII: true).map { $0 }
                default: [Character(scalar)]
                }
            })
    }
}
