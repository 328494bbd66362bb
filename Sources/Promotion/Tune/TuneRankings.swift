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

    /// The examples whose questions people can rank answers to: rankings have one question and one image, in front. Of
    /// equal ones the first.
    ///
    /// - Throws: `TuneError` if there are fewer than `wanted`, or if all are about one image.
    static func prompts(in examples: [OwnExample], wanted: Int) throws(TuneError) -> [OwnExample] {
        var asked: Set<String> = []
        let prompts = examples.filter { example in
            example.messages.count == 1 && example.images.count == 1 && !example.showsImageAfterText
                && !example.question.isEmpty && asked.insert(example.images[0].digest + example.question).inserted
        }
        guard prompts.count >= wanted else { throw .tooFewPrompts(rankings: wanted, prompts: prompts.count) }
        let images = Set(prompts.map { $0.images[0].digest }).count
        guard images >= minimumImages else {
            throw .tooFew(what: "images to rank answers about", expected: minimumImages, found: images)
        }
        return prompts
    }

    /// Puts the questions of `examples` into the queue. Equal ones are there once, however often this is called.
    ///
    /// - Throws: `TuneError` if there are too few.
    package func enqueue(_ examples: [OwnExample]) throws -> FeedbackFolder {
        let prompts = try Self.prompts(in: examples, wanted: wanted)
        let data = try FeedbackFolder(path: dataFolder)
        let items = try prompts.map { example -> FeedbackStore.QueueItem in
            let image = try data.images.keep(Data(example.images[0].bytes()))
            let message = FeedbackMessage(role: .user, parts: [.image(image), .text(example.question)])
            return .init(content: .init(prompt: [message], models: [policy], samples: answers))
        }
        _ = try data.store.enqueue(items, images: data.images, at: Date())
        return data
    }

    /// The newest rankings by people of answers of this policy alone that prefer some answer, and how many more there
    /// are whose labelers did not consent to their use.
    private func records(_ data: FeedbackFolder) throws -> (usable: [PreferenceRecord], withoutConsent: Int) {
        let judgements = try data.store.judgements(by: .human).filter { judgement in
            !judgement.pairs.isEmpty && judgement.completions.allSatisfy { $0.policy == policy }
        }
        let usable = judgements.filter(\.details.mayBeExported)
        return (usable.compactMap(\.record), judgements.count - usable.count)
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
        let records = try records(data).usable
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
    package func wait(
        for data: FeedbackFolder, report: (String) -> Void,
        pause: () async throws -> Void = { try await Task.sleep(for: .seconds(2)) }
    ) async throws {
        var last = ""
        while try !collect(from: data) {
            let (usable, withoutConsent) = try records(data)
            let more = withoutConsent == 0 ? "" : "; \(withoutConsent) more are without consent and not used"
            let line = "\(usable.count) of \(wanted) rankings\(more)"
            if line != last { report(line) }
            last = line
            if let possible = try possible(data), possible < wanted {
                throw TuneError.tooAlike(rankings: wanted, prompts: possible)
            }
            try await pause()
        }
        report("\(wanted) of \(wanted) rankings")
    }
}
