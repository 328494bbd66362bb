public import Engine
import Foundation
public import Models
public import Policies
import Synchronization
public import Tensors
public import Tokenizers

/// Samples answers of the current policy with the serving engine: at temperature 1, from the whole distribution, with a
/// seed for each answer.
public struct RolloutSampler: Sendable {
    private let engine: any InferenceEngine
    private let input: InputProcessor
    private let vision: Policy.Vision
    private let template: ChatTemplate
    private let configuration: DecoderConfiguration
    private let compute: Compute

    /// A sampler on `engine`. The engine's queue must hold all answers of a call, and its decoder must have the sizes
    /// in `configuration`.
    public init(
        engine: any InferenceEngine, tokenizer: Tokenizer, vision: Policy.Vision, template: ChatTemplate,
        configuration: DecoderConfiguration, compute: Compute
    ) {
        self.engine = engine
        self.input = InputProcessor(tokenizer: tokenizer)
        self.vision = vision
        self.template = template
        self.configuration = configuration
        self.compute = compute
    }

    /// Samples `answers` answers to every question.
    ///
    /// The calling thread blocks, so it must not be in Swift's cooperative pool.
    ///
    /// - Parameters:
    ///   - adapter: the policy; the engine serves it as generation `generation`.
    ///   - seed: the seed of the answer with a given index, in the order of images and questions.
    /// - Throws: `AdmissionError`, `EngineFailure` or `InputProcessor.Failure`.
    package func sample(
        _ images: [ImagePrompts], adapter: LowRankAdapter, generation: Int, answers: Int, maximumTokens: Int,
        seed: (_ index: Int) -> UInt64
    ) throws -> [AnsweredImage] {
        let policy = Policy(
            name: PolicyRole.ppo.name, generation: generation,
            adapter: ServingAdapter(adapter, configuration: configuration, compute: compute), vision: vision,
            template: template, sampling: SamplingParameters(), created: 0)
        var index = 0
        var asked: [AskedImage] = []
        for prompts in images {
            var questions: [AskedImage.Question] = []
            var embeddings: [Tensor]?
            for text in prompts.questions {
                let message = ChatMessage(role: .user, content: [.image(0), .text(text)])
                var request = try input.request(
                    messages: [message], images: [.init(image: prompts.image)], policy: policy)
                request.stop.maximumTokens = maximumTokens
                request.topLogprobs = 0
                // Encoded once for all answers, and for the passes that score them.
                let encoded = embeddings ?? request.images.map { vision.encoder.encode($0.pixels) }
                for (tile, rows) in zip(request.images.indices, encoded) { request.images[tile].embeddings = rows }
                embeddings = encoded
                let streams = try (0..<answers).map { _ in
                    request.sampling.seed = seed(index)
                    index += 1
                    return try engine.submit(request, in: engine.reserve(hasImages: true))
                }
                questions.append(.init(text: text, request: request, streams: streams))
            }
            asked.append(AskedImage(prompts: prompts, questions: questions))
        }
        return try asked.map { try $0.answered() }
    }
}

/// An image whose answers are being sampled.
private struct AskedImage {
    struct Question {
        let text: String
        let request: EngineRequest
        let streams: [AsyncStream<EngineEvent>]
    }

    let prompts: ImagePrompts
    let questions: [Question]

    /// Waits for the answers.
    func answered() throws -> AnsweredImage {
        let first = questions[0].request
        let tiles = first.images.map(\.range)
        let end = tiles.last?.upperBound ?? 0
        let prefix = Array(first.prompt[..<end])
        return AnsweredImage(
            prompts: prompts, prefix: prefix, tiles: tiles,
            embeddings: Tensor.stacking(first.images.compactMap(\.embeddings)),
            questions: try questions.map { question in
                guard question.request.prompt.starts(with: prefix) else {
                    throw DialogueFormat.Failure.questionBeforeImage
                }
                return .init(
                    text: question.text, prompt: Array(question.request.prompt[end...]),
                    answers: try question.streams.map { stream in
                        SampledAnswer(try waiting { try await stream.answer() })
                    })
            })
    }
}

extension SampledAnswer {
    fileprivate init(_ answer: Answer) {
        self.init(
            tokens: answer.tokens.map(\.id), text: answer.text, logProbs: answer.tokens.compactMap(\.logprob),
            ended: answer.completion.reason == .endToken)
    }
}

/// Runs `body` and blocks this thread until it has a result.
private func waiting<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) throws -> Result {
    let done = DispatchSemaphore(value: 0)
    let outcome = Outcome<Result>()
    Task.detached {
        do { outcome.set(.success(try await body())) } catch { outcome.set(.failure(error)) }
        done.signal()
    }
    done.wait()
    guard let result = outcome.value else { preconditionFailure("signalled without an outcome") }
    return try result.get()
}

private final class Outcome<Success: Sendable>: Sendable {
    private let stored = Mutex<Result<Success, any Error>?>(nil)

    var value: Result<Success, any Error>? { stored.withLock { $0 } }

    func set(_ result: Result<Success, any Error>) { stored.withLock { $0 = result } }
}
