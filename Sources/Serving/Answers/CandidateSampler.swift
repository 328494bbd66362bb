import Datasets
import Engine
import Feedback
import Policies
import Support
import WireFormats

/// Samples several answers to one dialogue for people to rank: by one policy or by several in turn, each answer with a
/// seed of its own, in an order that says nothing about their origin.
struct CandidateSampler: Sendable {
    let services: Services

    /// The dialogue and how its answers are sampled.
    struct Wanted: Sendable {
        var messages: [DialogueMessage]
        /// The field that contains the dialogue.
        var param: String
        /// The policies; empty: the default policy.
        var models: [String] = []
        /// How the answers are sampled; `count` is their number.
        var options: GenerationOptions
    }

    /// Sampled answers, in the order in which people see them.
    struct Sample: Sendable {
        var answers: [(completion: PreferenceRecord.RankedCompletion, seed: UInt64?)]
        var seed: UInt64
        var spread: Double
    }

    /// Samples the answers. If no reward model is loaded, or if it cannot read the dialogue, the texts tell how much
    /// the answers differ.
    ///
    /// - Parameter context: the caller, whose disconnecting cancels the work; nil for the server's own work.
    func sample(_ wanted: Wanted, context: ServerContext?) async throws -> Sample {
        let sources = try await sources(wanted, context: context)
        // Below 2^53, so that every JSON reader keeps all digits.
        let seed = wanted.options.seed.map { UInt64(bitPattern: $0) } ?? .random(in: 0..<1 << 53)
        let batches = try await submit(wanted, to: sources, seed: seed, context: context)
        let judge = sources[0].admission
        guard let context else {
            return try await finish(batches, wanted, judge: judge, seed: seed, record: RequestRecord())
        }
        return try await whileConnected(context.monitor()) {
            try await finish(batches, wanted, judge: judge, seed: seed, record: context.record)
        }
    }

    /// A policy that answers, and the admission of its model.
    private struct Source: Sendable {
        let policy: Policy
        let admission: Admission
    }

    /// The policies that the request names, of any model, or the default one.
    private func sources(_ wanted: Wanted, context: ServerContext?) async throws -> [Source] {
        var sources: [Source] = []
        for (index, name) in (wanted.models.isEmpty ? [nil] : wanted.models.map { $0 }).enumerated() {
            let model = try await services.model(for: name, context: context)
            let admission = Admission(services: services, model: model)
            do throws(APIError) {
                sources.append(Source(policy: try admission.policy(name), admission: admission))
            } catch {
                var error = error
                error.param = "models[\(index)]"
                throw error
            }
        }
        return sources
    }

    private func submit(
        _ wanted: Wanted, to sources: [Source], seed: UInt64, context: ServerContext?
    ) async throws -> [Batch] {
        var batches: [Batch] = []
        do {
            for (index, source) in sources.enumerated() {
                var options = wanted.options
                // Round robin: the first policies get one more where the number of answers is not a multiple.
                options.count = (wanted.options.count + sources.count - 1 - index) / sources.count
                let own = seed &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15
                options.seed = Int64(bitPattern: own)
                let admitted = try await source.admission.admit(
                    wanted.messages, options: options, policy: source.policy, param: wanted.param, answersDiffer: true,
                    context: context)
                batches.append(Batch(admitted: admitted, seed: own))
            }
            return batches
        } catch {
            // A stream is cancelled when its reader is.
            for stream in batches.flatMap(\.admitted.streams) { Task { for await _ in stream {} }.cancel() }
            throw error
        }
    }

    /// One policy's answers while they are sampled.
    private struct Batch: Sendable {
        let admitted: Admitted
        let seed: UInt64

        func candidate(
            _ answer: Answer, choice: Int
        ) throws(EngineFailure) -> (completion: PreferenceRecord.RankedCompletion, seed: UInt64?) {
            var sampling = SamplingParameters()
            sampling.seed = seed
            let completion = PreferenceRecord.RankedCompletion(
                text: answer.text, tokens: answer.tokens.map(\.id),
                policy: "\(admitted.policy.requestName)@\(admitted.policy.generation)",
                finishReason: try answer.completion.rankedReason())
            return (completion, sampling.choice(choice).seed)
        }
    }

    private func finish(
        _ batches: [Batch], _ wanted: Wanted, judge: Admission, seed: UInt64, record: RequestRecord
    ) async throws -> Sample {
        var answers: [(completion: PreferenceRecord.RankedCompletion, seed: UInt64?)] = []
        var meters = batches.map { AnswerMeter($0.admitted, metrics: services.metrics, record: record) }
        do {
            for (index, samples) in try await collect(batches).enumerated() {
                for (choice, answer) in samples.enumerated() {
                    meters[index].finished(answer.completion, choice: choice)
                    answers.append(try batches[index].candidate(answer, choice: choice))
                }
                meters[index].end(outcome: "stop")
            }
        } catch {
            for index in meters.indices { meters[index].end(error) }
            throw error
        }
        var generator = SplitMix64(seed: seed)
        answers = generator.shuffled(answers.indices.map { $0 }).map { answers[$0] }
        let spread = try await spread(answers.map(\.completion.text), wanted, judge: judge)
        return Sample(answers: answers, seed: seed, spread: spread)
    }

    /// The answers of each batch. All streams are read at once, so that a cancellation reaches every one of them.
    private func collect(_ batches: [Batch]) async throws -> [[Answer]] {
        try await withThrowingTaskGroup(of: (batch: Int, choice: Int, answer: Answer).self) { group in
            for (index, batch) in batches.enumerated() {
                for (choice, stream) in batch.admitted.streams.enumerated() {
                    group.addTask { (index, choice, try await stream.answer()) }
                }
            }
            var answers = batches.map { [Answer?](repeating: nil, count: $0.admitted.streams.count) }
            for try await one in group { answers[one.batch][one.choice] = one.answer }
            return answers.map { $0.compactMap { $0 } }
        }
    }

    private func spread(_ texts: [String], _ wanted: Wanted, judge: Admission) async throws -> Double {
        guard Set(texts).count > 1 else { return 0 }
        guard let reward = judge.catalog.reward else { return Spread.ofTexts(texts) }
        do {
            let request = RewardRequest(messages: wanted.messages, param: wanted.param, answers: texts)
            let (admitted, _) = try await judge.admit(request, by: reward, context: nil)
            var rewards: [Double] = []
            for stream in admitted.streams { rewards += try await stream.answer().completion.scores }
            return Spread.ofRewards(rewards)
        } catch is APIError {
            return Spread.ofTexts(texts)
        }
    }
}

extension Completion {
    /// The reason as rankings keep it: an answer that was ended for its repetition has no end token.
    fileprivate func rankedReason() throws(EngineFailure) -> PreferenceRecord.FinishReason {
        switch reason {
        case .endToken, .stopString: .stop
        case .length, .repetition: .length
        case .cancelled: throw .stopped
        }
    }
}
