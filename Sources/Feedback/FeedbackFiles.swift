public import Datasets
import Foundation
import Images
import Support

/// Writes exports as folders: one JSON lines file, and the images beside it.
public struct FeedbackFiles {
    private let folder: URL
    private let file: (PreferenceImage) throws -> [UInt8]

    /// Exports into the folder at `path`; `file` gives an image's file.
    public init(folder path: String, file: @escaping (PreferenceImage) throws -> [UInt8]) {
        folder = URL(fileURLWithPath: path)
        self.file = file
    }

    /// Writes every preferred pair as `pairs.jsonl`, in TRL's conversational format.
    ///
    /// - Returns: the number of pairs.
    @discardableResult
    public func writePairs(_ judgements: [Judgement]) throws -> Int {
        try write(judgements.map(\.prompt), as: "pairs.jsonl") { lines in
            try judgements.flatMap { try lines.pairs(of: $0, as: .trl) }
        }
    }

    /// Writes thumbs as `kto.jsonl`, in TRL's format of unpaired preferences.
    ///
    /// - Returns: the number of lines.
    public func writeUnpaired(_ thumbs: [(id: String, labeler: String, thumb: Thumb)]) throws -> Int {
        try write(thumbs.map(\.thumb.prompt), as: "kto.jsonl") { lines in
            try thumbs.map { try lines.unpaired($0.thumb, id: $0.id, by: $0.labeler) }
        }
    }

    /// Writes answers that people wrote as `demonstrations.jsonl`, in the format of OpenAI's fine-tuning files.
    ///
    /// - Returns: the number of lines.
    public func writeDemonstrations(_ demonstrations: [Demonstration]) throws -> Int {
        try write(demonstrations.map(\.prompt), as: "demonstrations.jsonl") { lines in
            try demonstrations.map { try lines.demonstration(of: $0.answer, to: $0.prompt) }
        }
    }

    private func write(
        _ prompts: [[FeedbackMessage]], as name: String, _ lines: (FeedbackLines) throws -> [JSON]
    ) throws -> Int {
        try FileManager.default.createDirectory(
            at: folder.appending(path: "images"), withIntermediateDirectories: true)
        var names: [PreferenceImage: String] = [:]
        for image in prompts.joined().flatMap(\.images) where names[image] == nil {
            let bytes = try file(image)
            let ending = try ImageFormat(of: bytes).fileExtension
            let name = "images/\("\(image)".replacing("/", with: "-")).\(ending)"
            try Data(bytes).write(to: folder.appending(path: name), options: .atomic)
            names[image] = name
        }
        let written = try lines(FeedbackLines(prompts: prompts) { [names] in names[$0] ?? "\($0)" })
        let data = written.reduce(into: Data()) { $0 += Data(($1.text + "\n").utf8) }
        try data.write(to: folder.appending(path: name), options: .atomic)
        return written.count
    }
}

/// An answer that a person wrote because the others were not good enough.
public struct Demonstration: Sendable, Equatable {
    /// The dialogue.
    public let prompt: [FeedbackMessage]
    /// The answer.
    public let answer: String
    /// The person.
    public let labeler: String

    /// An answer with its dialogue and its author.
    public init(prompt: [FeedbackMessage], answer: String, labeler: String) {
        self.prompt = prompt
        self.answer = answer
        self.labeler = labeler
    }
}

extension FeedbackStore {
    /// The answers that people wrote by hand and allow to be used: first from rankings, then from thumbs.
    public func demonstrations() throws(FeedbackError) -> [Demonstration] {
        let ranked = try judgements(by: .human).filter(\.details.mayBeExported).compactMap { judgement in
            judgement.details.better.map {
                Demonstration(prompt: judgement.prompt, answer: $0, labeler: judgement.labeler.id)
            }
        }
        let judged = try thumbs().filter(\.thumb.mayBeExported).compactMap { one in
            one.thumb.better.map { Demonstration(prompt: one.thumb.prompt, answer: $0, labeler: one.labeler) }
        }
        return ranked + judged
    }
}
