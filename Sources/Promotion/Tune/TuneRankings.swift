import Checkpoints
package import Datasets
package import Feedback
import Foundation
package import Policies

/// The rankings that people make for a tuning run: its prompts in the queue of the data folder, and what is said of
/// them. Once there are enough, they are written to `rankings.jsonl` in the run's folder.
package struct TuneRankings {
    private let folder: String
    private let dataFolder: String
    private let wanted: Int
    private let answers: Int
    private let policy: String

    /// The rankings of one run.
    ///
    /// - Parameters:
    ///   - wanted: the number of rankings to wait for.
    ///   - answers: the answers of one comparison.
    ///   - policy: the policy that answers. The queue names its generation, so a server with another one refuses.
    package init(
        folder: String, dataFolder: String, wanted: Int, answers: Int, policy: PolicyManifest.Reference
    ) {
        (self.folder, self.dataFolder, self.wanted) = (folder, dataFolder, wanted)
        (self.answers, self.policy) = (answers, "\(policy.name)@\(policy.generation)")
    }

    /// The file of the rankings.
    private var path: String { Self.path(in: folder) }

    /// The file of the rankings of the run in `folder`.
    static func path(in folder: String) -> String { "\(folder)/rankings.jsonl" }

    /// The rankings in the file of the run in `folder`; none if there is no file.
    static func kept(in folder: String) throws -> [PreferenceRecord] {
        let path = path(in: folder)
        return FileManager.default.fileExists(atPath: path) ? try PreferenceRecord.load(path: path) : []
    }

    /// The images that people ranked answers about.
    static func images(in dataFolder: String) -> ReferencedImages {
        let kept = ImageFolder(dataFolder: dataFolder)
        return ReferencedImages(easyVQA: nil) { [UInt8](try kept.file(sha256: $0)) }
    }

    /// One image to learn from and one to measure on.
    private static let minimumImages = 2

    /// Puts the questions of `examples` into the queue. Equal ones are there once, however often this is called.
    ///
    /// - Throws: `TuneError.tooAlike` if there are fewer questions than rankings are wanted, `TuneError.tooFew` if all
    ///   are about one image.
    package func enqueue(_ examples: [OwnExample]) throws -> FeedbackFolder {
        let data = try FeedbackFolder(path: dataFolder)
        var asked: Set<String> = []
        var images: Set<String> = []
        let items = try examples.compactMap { example -> FeedbackStore.QueueItem? in
            // Records of rankings have one question and at most one image, in front.
            guard example.messages.count == 1, example.images.count == 1, !example.showsImageAfterText,
                asked.insert(example.images[0].digest + example.question).inserted
            else { return nil }
            images.insert(example.images[0].digest)
            let image = try data.images.keep(Data(example.images[0].bytes()))
            let message = FeedbackMessage(role: .user, parts: [.image(image), .text(example.question)])
            return .init(content: .init(prompt: [message], models: [policy], samples: answers))
        }
        guard items.count >= wanted else { throw TuneError.tooAlike(rankings: wanted, prompts: items.count) }
        guard images.count >= Self.minimumImages else {
            throw TuneError.tooFew(
                what: "images to rank answers about", expected: Self.minimumImages, found: images.count)
        }
        _ = try data.store.enqueue(items, images: data.images, at: Date())
        return data
    }

    /// The newest rankings by people of answers of this policy alone.
    private func records(_ data: FeedbackFolder) throws -> [PreferenceRecord] {
        try data.store.records(by: .human).filter { $0.completions.allSatisfy { $0.policy == policy } }
    }

    /// The comparisons that people can rank, once no prompt of the queue waits for answers; nil before. Prompts whose
    /// sampled answers are all alike become none.
    private func possible(_ data: FeedbackFolder) throws -> Int? {
        guard try data.store.summary(for: "", sharedLimit: 0).waiting == 0 else { return nil }
        return try data.store.comparisons(nil, for: "", order: .created, limit: 100_000, after: nil).page.count {
            $0.comparison.candidates.allSatisfy { $0.completion.policy == policy }
        }
    }

    /// Writes the rankings if there are enough, about more than one image; returns whether there were.
    package func collect(from data: FeedbackFolder) throws -> Bool {
        let records = try records(data)
        guard records.count >= wanted, Set(records.compactMap(\.image)).count >= Self.minimumImages else {
            return false
        }
        try AtomicFile.write(records.flatMap { [UInt8](try $0.line()) }, to: path)
        return true
    }

    /// Waits until people have made enough rankings.
    ///
    /// - Parameters:
    ///   - report: receives a line whenever the number has grown.
    ///   - pause: waits between two looks into the store.
    func wait(
        for data: FeedbackFolder, report: (String) -> Void,
        pause: () async throws -> Void = { try await Task.sleep(for: .seconds(2)) }
    ) async throws {
        var last = -1
        while try !collect(from: data) {
            let count = try records(data).count
            if count != last { report("\(count) of \(wanted) rankings") }
            last = count
            if let possible = try possible(data), possible < wanted {
                throw TuneError.tooAlike(rankings: wanted, prompts: possible)
            }
            try await pause()
        }
        report("\(wanted) of \(wanted) rankings")
    }
}
