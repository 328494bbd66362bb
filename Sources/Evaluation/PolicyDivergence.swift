public import Datasets
public import Engine
import Images
public import Models
public import Policies
import Support
import Tensors
public import Tokenizers

/// A policy's distance from another policy: KL(policy || reference) of an answer, in nats.
///
/// Answers are drawn from the policy at temperature 1, as in training, to questions about images of the test split. At
/// each token the divergence of the two distributions is exact. Its sum over the answer has the same expectation as the
/// log-ratios of the drawn tokens, and less variance.
public struct PolicyDivergence: Codable, Sendable, Equatable {
    /// The policy that answered.
    public let policy: EvaluatedPolicy
    /// The policy whose distributions are compared with it.
    public let reference: EvaluatedPolicy
    /// The number of answers.
    public let answers: Int
    /// The number of their tokens, end tokens included.
    public let tokens: Int
    /// The mean over the answers, in nats.
    public let nats: Double

    /// Answers to draw.
    public struct Settings: Sendable {
        /// The families of the questions, each as often as it is listed.
        public var families: [Family]
        /// The number of answers: at least one for each listed family, and up to 5,000 for each family.
        public var count = 400
        /// Answers are cut after this many tokens.
        public var maximumTokens: Int
        /// Decides the images and the sampled answers.
        public var seed: UInt64 = 0

        /// Answers to questions of `families`.
        public init(families: [Family], maximumTokens: Int) {
            self.families = families
            self.maximumTokens = maximumTokens
        }
    }

    /// A question and its answer.
    public struct Answer: Sendable {
        /// The question.
        public let request: EngineRequest
        /// The answer's tokens, the end token included.
        public let reply: [Int32]
    }

    /// Requests that are in the engine at the same time.
    private static let open = 32

    /// Samples answers of `policy` from `engine`.
    ///
    /// - Throws: the engine's errors, or `InputProcessor.Failure` if the policy cannot see.
    public static func answers(
        of policy: Policy, settings: Settings, engine: any InferenceEngine, tokenizer: Tokenizer
    ) async throws -> [Answer] {
        let requests = try requests(to: policy, settings: settings, tokenizer: tokenizer)
        var answers: [Answer] = []
        for start in stride(from: 0, to: requests.count, by: open) {
            let some = requests[start..<min(start + open, requests.count)]
            let streams = try some.map { try engine.submit($0, in: engine.reserve(hasImages: true)) }
            for (request, stream) in zip(some, streams) {
                answers.append(Answer(request: request, reply: try await stream.answer().tokens.map(\.id)))
            }
        }
        return answers
    }

    /// Samples answers of `policy` from `engine`, and scores them with `decoder`, which must be the engine's own.
    ///
    /// - Throws: as `answers`.
    public static func measured(
        of policy: Policy, from reference: Policy, settings: Settings, engine: any InferenceEngine,
        decoder: TransformerDecoder,
        tokenizer: Tokenizer
    ) async throws -> PolicyDivergence {
        let answers = try await answers(of: policy, settings: settings, engine: engine, tokenizer: tokenizer)
        return PolicyDivergence(answers, policy: policy, reference: reference, decoder: decoder)
    }

    /// Scores a policy's answers under the policy and under the reference, which must use the same vision.
    public init(_ answers: [Answer], policy: Policy, reference: Policy, decoder: TransformerDecoder) {
        var (total, sum) = (0, 0.0)
        for answer in answers where !answer.reply.isEmpty {
            let (request, reply) = (answer.request, answer.reply)
            let images = request.images.compactMap { span in
                policy.vision.map { (span.range, $0.encoder.encode(span.pixels)) }
            }
            let teacher = decoder.logits(of: reply, after: request.prompt, images: images, adapter: policy.adapter)
            var logits = decoder.logits(of: reply, after: request.prompt, images: images, adapter: reference.adapter)
            let ones = [Float](repeating: 1, count: reply.count)
            sum += decoder.compute.distillation(&logits, teacher: teacher, scales: ones)
                .reduce(0) { $0 + Double($1) }
            total += reply.count
        }
        self.policy = EvaluatedPolicy(policy)
        self.reference = EvaluatedPolicy(reference)
        self.answers = answers.count
        tokens = total
        nats = answers.isEmpty ? 0 : sum / Double(answers.count)
    }

    private static func requests(
        to policy: Policy, settings: Settings, tokenizer: Tokenizer
    ) throws -> [EngineRequest] {
        let input = InputProcessor(tokenizer: tokenizer)
        var generator = SplitMix64(seed: settings.seed)
        let each = max(1, settings.count / max(settings.families.count, 1))
        return try Family.allCases.flatMap { family in
            let listed = settings.families.count { $0 == family }
            let samples = listed == 0 ? [] : FamilySample.draw(family, count: listed * each, draw: settings.seed)
            return try samples.map { sample in
                let message = ChatMessage(role: .user, content: [.image(0), .text(sample.question.text)])
                var request = try input.request(
                    messages: [message], images: [.init(image: ImageFile.decode(sample.png))], policy: policy)
                request.sampling = SamplingParameters()
                request.sampling.seed = generator.next()
                request.stop.maximumTokens = settings.maximumTokens
                return request
            }
        }
    }
}
