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
    let model: ServedModel

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
        let admission = Admission(services: services, model: model)
        let policies = wanted.models.isEmpty ? [admission.catalog.defaultPolicy] : try policies(wanted, in: admission)
        // Below 2^53, so that every JSON reader keeps all digits.
        let seed = wanted.options.seed.map { UInt64(bitPattern: $0) } ?? .random(in: 0..<1 << 53)
        var batches: [Batch] = []
        for (index, policy) in policies.enumerated() {
            var options = wanted.options
            // Round robin: the first policies get one more where the number of answers is not a multiple.
            options.count = (wanted.options.count + policies.count - 1 - index) / policies.count
            let own = seed &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15
            options.seed = Int64(bitPattern: own)
            let admitted = try await admission.admit(
                wanted.messages, options: options, policy: policy, param: wanted.param, answersDiffer: true,
                context: context)
            batches.append(Batch(admitted: admitted, seed: own))
        }
        guard let context else { return try await finish(batches, wanted, seed: seed, record: RequestRecord()) }
        return try await whileConnected(context.monitor()) { [batches] in
            try await finish(batches, wanted, seed: seed, record: context.record)
        }
    }

    /// One policy's answers while they are sampled.
    private struct Batch: Sendable {
        let admitted: Admitted
        let seed: UInt64
    }

    private func policies(_ wanted: Wanted, in admission: Admission) throws(APIError) -> [Policy] {
        var policies: [Policy] = []
        for (index, name) in wanted.models.enumerated() {
            guard let policy = admission.catalog[name] else {
                var error = APIError.unknownModel(name)
                error.param = "models[\(index)]"
                throw error
            }
            policies.append(policy)
        }
        return policies
    }

    private func finish(
        _ batches: [Batch], _ wanted: Wanted, seed: UInt64, record: RequestRecord
    ) async throws -> Sample {
        var answers: [(completion: PreferenceRecord.RankedCompletion, seed: UInt64?)] = []
        for batch in batches {
            answers += try await collect(batch, record: record)
        }
        var generator = SplitMix64(seed: seed)
        answers = generator.shuffled(answers.indices.map { $0 }).map { answers[$0] }
        let spread = try await spread(answers.map(\.completion.text), wanted)
        return Sample(answers: answers, seed: seed, spread: spread)
    }

    private func collect(
        _ batch: Batch, record: RequestRecord
    ) async throws -> [(completion: PreferenceRecord.RankedCompletion, seed: UInt64?)] {
        let policy = batch.admitted.policy
        var meter = AnswerMeter(batch.admitted, metrics: services.metrics, record: record)
        var sampling = SamplingParameters()
        sampling.seed = batch.seed
        do {
            var answers: [(completion: PreferenceRecord.RankedCompletion, seed: UInt64?)] = []
            for (choice, stream) in batch.admitted.streams.enumerated() {
                let answer = try await stream.answer()
                meter.finished(answer.completion, choice: choice)
                answers.append(
                    (
                        .init(
                            text: answer.text, tokens: answer.tokens.map(\.id),
                            policy: "\(policy.name)@\(policy.generation)",
                            finishReason: try answer.completion.rankedReason()), sampling.choice(choice).seed
                    ))
            }
            meter.end(outcome: "stop")
            return answers
        } catch {
            meter.end(error)
            throw error
        }
    }

    private func spread(_ texts: [String], _ wanted: Wanted) async throws -> Double {
        guard Set(texts).count > 1 else { return 0 }
        let admission = Admission(services: services, model: model)
        guard let reward = admission.catalog.reward else { return Spread.ofTexts(texts) }
        do {
            let request = RewardRequest(messages: wanted.messages, param: wanted.param, answers: texts)
            let (admitted, _) = try await admission.admit(request, by: reward, context: nil)
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
