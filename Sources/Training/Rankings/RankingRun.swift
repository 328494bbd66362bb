public import Datasets
import Engine
import Foundation
import Support

/// Samples answers and has simulated labelers rank them, in a run folder that allows a killed run to resume.
///
/// The folder gets `samples.jsonl` while sampling; at the end, or when the time is up, `rankings.jsonl` with each
/// prompt ranked once, `agreement.jsonl` with some prompts ranked by every labeler, and `report.json`. The bytes of all
/// files do not depend on how often the run was interrupted.
public struct RankingRun {
    /// How a run ended.
    public enum Outcome: Sendable, Equatable {
        /// All prompts are ranked.
        case finished
        /// The time was up after this many prompts; another call continues from there.
        case paused(prompts: Int)
    }

    private let settings: RankingSettings
    private let prompts: RankingPrompts
    private let sampler: AnswerSampler
    private let folder: RunFolder

    /// A run in `folder`; `inputs` holds the SHA-256 of everything else that decides the answers.
    ///
    /// - Throws: `RunFolderError.otherConfiguration` if the folder's run has other settings or inputs.
    public init(
        settings: RankingSettings, prompts: RankingPrompts, sampler: AnswerSampler, inputs: [String: String],
        folder: String
    ) throws {
        precondition(PreferenceRecord.completionCount.contains(settings.samples))
        precondition((0..<settings.samples).contains(settings.distractorAnswers))
        self.settings = settings
        self.prompts = prompts
        self.sampler = sampler
        self.folder = try RunFolder(
            path: folder, configuration: Record(settings: settings, inputs: inputs, policy: sampler.name))
    }

    /// The contents of `config.json`.
    private struct Record: Encodable {
        let settings: RankingSettings
        let inputs: [String: String]
        let policy: String
        let labelers = "simulated-rule"
    }

    /// The records so far.
    public func records() throws -> [PreferenceRecord] {
        try ["rankings", "agreement"].flatMap { try PreferenceRecord.load(path: "\(folder.path)/\($0).jsonl") }
    }

    /// Samples until all prompts are done or `limit` is over, then ranks; `report` prints one line.
    public func run<C: Clock>(
        limit: Duration?, clock: C = ContinuousClock(), report: (String) -> Void
    ) async throws -> (outcome: Outcome, report: RankingReport) where C.Duration == Duration {
        let path = folder.path + "/samples.jsonl"
        var log = try SampleLog(path: path)
        let first = log.samples.count
        if first > 0 { report("rank: going on after prompt \(first) of \(settings.prompts)") }
        let start = clock.now
        try await sample(into: &log) {
            limit.map { start.duration(to: clock.now) < $0 } ?? true
        } progress: { done in
            guard done % 20 == 0 || done == settings.prompts else { return }
            report(progress(done: done, since: first, elapsed: start.duration(to: clock.now)))
        }
        let ranked = try RankedSamples(log.samples, of: prompts, settings: settings, path: path)
        try ranked.write(into: folder.path)
        let done = log.samples.count
        return (done == settings.prompts ? .finished : .paused(prompts: done), ranked.report)
    }

    /// Keeps several prompts in the engine and logs them in order while `goesOn` returns true.
    private func sample(
        into log: inout SampleLog, goesOn: () -> Bool, progress: (_ done: Int) -> Void
    ) async throws {
        var cursor = PromptCursor(prompts)
        for _ in 0..<log.samples.count { _ = try cursor.next() }
        var next = log.samples.count
        var running: [Asked] = []
        while true {
            while goesOn(), running.count < max(1, 64 / settings.samples), next < settings.prompts {
                running.append(try ask(cursor.next(), index: next))
                next += 1
            }
            guard !running.isEmpty else { return }
            let asked = running.removeFirst()
            var completions: [PreferenceRecord.RankedCompletion] = []
            for (index, events) in asked.events.enumerated() {
                completions.append(try await sampler.answer(events, isDistractor: settings.isDistractor(index)))
            }
            try log.append(
                SampledPrompt(
                    index: asked.index, image: asked.prompt.task.image, question: asked.prompt.task.question,
                    completions: completions, seed: asked.seed))
            progress(log.samples.count)
        }
    }

    /// A prompt whose answers are being sampled.
    private struct Asked {
        let index: Int
        let prompt: RankingPrompt
        let seed: UInt64
        let events: [AsyncStream<EngineEvent>]
    }

    private func ask(_ prompt: RankingPrompt, index: Int) throws -> Asked {
        var generator = SplitMix64(seed: settings.seed).fork(index)
        // Below 2^53, so that every JSON reader keeps all digits.
        let seed = generator.next() >> 12
        return Asked(
            index: index, prompt: prompt, seed: seed, events: try sampler.ask(prompt, settings, seed: seed))
    }

    private func progress(done: Int, since first: Int, elapsed: Duration) -> String {
        let rate = Double(done - first) / max(1e-9, elapsed / .seconds(1))
        let left = Int(Double(settings.prompts - done) / rate)
        let time = left < 90 ? "\(left) s" : "\((left + 30) / 60) min"
        return "rank prompt \(done)/\(settings.prompts)  \(String(format: "%.1f", rate)) prompts/s  \(time) left"
    }
}

/// The settings that, together with the inputs, decide the bytes of a ranking run.
public struct RankingSettings: Codable, Sendable {
    /// A right answer by which questions can be chosen. A policy that says no too readily is unsure about present
    /// things more often than about absent ones. Rankings of its answers then teach it to say yes, unless more
    /// questions are asked whose right answer is no.
    public enum YesNo: String, Codable, CaseIterable, Sendable {
        case yes, no
    }

    /// Decides images, questions and samples.
    public var seed: UInt64 = 0
    /// The split of the images; test images are never ranked.
    public var split = SeedSplit.training
    /// The families of the generated images.
    public var families = Family.allCases
    /// The families of documents.
    public var documents: [DocumentFamily] = []
    /// The number of prompts to sample.
    public var prompts = 4_000
    /// The number of answers to each prompt, 2 to 9.
    public var samples = 4
    /// How many of them are distractors, given to another image of the same kind: well written, and mostly wrong.
    /// Samples for the image itself differ only where the policy is unsure, which alone does not show what is right.
    public var distractorAnswers = 2
    /// Upper bound on the questions about one image.
    public var questionsPerImage = 4
    /// Ask only questions whose right answer is one of these; empty: all questions.
    public var only: [YesNo] = []
    /// Answers are cut after this many tokens.
    public var maximumTokens = 96
    /// The share of easy-VQA's images among training images; all others, and all validation images, are generated.
    public var easyVQAShare = 0.1
    /// The share of prompts that every labeler ranks, to measure agreement.
    public var agreementShare = 0.1

    /// The default settings.
    public init() {}

    /// What is drawn, with equal probability; at least one kind.
    var kinds: [ImageKind] { families.map { .family($0) } + documents.map { .document($0) } }

    /// Whether the run asks questions with this truth.
    func asks(_ truth: GroundTruth) -> Bool {
        guard case .yesNo(let isYes) = truth else { return only.isEmpty }
        return only.isEmpty || only.contains(isYes ? .yes : .no)
    }

    /// Whether answer `index` is a distractor; distractors come last.
    func isDistractor(_ index: Int) -> Bool { index >= samples - distractorAnswers }

    private enum CodingKeys: String, CodingKey {
        case seed, split, families, documents, prompts, samples, only, maximumTokens, easyVQAShare, agreementShare
        case distractorAnswers = "strayAnswers"
        case questionsPerImage = "questionsPerPicture"
    }
}
