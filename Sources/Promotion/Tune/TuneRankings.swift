import Datasets
import Feedback
import Foundation

/// The rankings that people make for a tuning run: its prompts in the queue of the data folder, and what is said of
/// them. Once there are enough, they are written to `rankings.jsonl` in the run's folder and no longer change.
struct TuneRankings {
    private let folder: String
    private let dataFolder: String
    private let wanted: Int
    private let answers: Int
    private let policy: String

    /// - Parameters:
    ///   - wanted: the number of rankings to wait for.
    ///   - answers: the answers of one comparison.
    ///   - policy: the policy that answers.
    init(folder: String, dataFolder: String, wanted: Int, answers: Int, policy: String) {
        (self.folder, self.dataFolder, self.wanted) = (folder, dataFolder, wanted)
        (self.answers, self.policy) = (answers, policy)
    }

    /// The file of the rankings.
    var path: String { "\(folder)/rankings.jsonl" }

    /// Whether all rankings are there.
    var areComplete: Bool { FileManager.default.fileExists(atPath: path) }

    /// The images that people ranked answers about.
    static func images(in dataFolder: String) -> ReferencedImages {
        let kept = ImageFolder(dataFolder: dataFolder)
        return ReferencedImages(easyVQA: nil) { [UInt8](try kept.file(sha256: $0)) }
    }

    /// Puts the questions of `examples` into the queue. Equal ones are there once, however often this is called.
    ///
    /// - Throws: `TuneError.tooAlike` if there are fewer questions than rankings are wanted.
    func enqueue(_ examples: [OwnExample]) throws -> FeedbackFolder {
        let data = try FeedbackFolder(path: dataFolder)
        var asked: Set<String> = []
        let items = try examples.compactMap { example -> FeedbackStore.QueueItem? in
            // Records of rankings have one question and at most one image, in front.
            guard example.messages.count == 1, example.images.count == 1, !example.showsImageAfterText,
                asked.insert(example.images[0].digest + example.question).inserted
            else { return nil }
            let image = try data.images.keep(Data(example.images[0].bytes()))
            let message = FeedbackMessage(role: .user, parts: [.image(image), .text(example.question)])
            return .init(content: .init(prompt: [message], models: [policy], samples: answers))
        }
        guard items.count >= wanted else { throw TuneError.tooAlike(rankings: wanted, prompts: items.count) }
        _ = try data.store.enqueue(items, images: data.images, at: Date())
        return data
    }

    /// The newest rankings by people of answers of this policy alone.
    private func records(_ data: FeedbackFolder) throws -> [PreferenceRecord] {
        try data.store.records(by: .human).filter { record in
            record.completions.allSatisfy { $0.policy?.hasPrefix("\(policy)@") ?? false }
        }
    }

    /// The comparisons that people can rank, once no prompt of the queue waits for answers; nil before. Prompts whose
    /// sampled answers are all alike become none.
    private func possible(_ data: FeedbackFolder) throws -> Int? {
        guard try data.store.summary(for: "", sharedLimit: 0).waiting == 0 else { return nil }
        return try data.store.comparisons(nil, for: "", order: .created, limit: 100_000, after: nil).page.count {
            $0.comparison.candidates.allSatisfy { $0.completion.policy?.hasPrefix("\(policy)@") ?? false }
        }
    }

    /// Writes the rankings if there are enough; returns whether there were.
    func collect(from data: FeedbackFolder) throws -> Bool {
        let records = try records(data)
        guard records.count >= wanted else { return false }
        let lines = try records.reduce(into: Data()) { $0 += try $1.line() }
        try lines.write(to: URL(fileURLWithPath: path), options: .atomic)
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
