public import Models
import Synchronization
import Tensors
public import Tokenizers

/// Scores answers with a reward model, by the decoder that serves.
///
/// Activations are rounded to 8 bits as in all of serving: on SmolLM2-135M that moves a reward, of deviation 1, by 0.05
/// on average against the training forward.
///
/// A call blocks its thread for as long as a prefill of prompt and answers takes: never call it on Swift's cooperative
/// pool or an event loop. Calls from several threads wait for each other.
public final class RewardScorer: Sendable {
    /// Why an answer has no reward.
    public enum Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// The dialogue cannot be given to the reward model.
        case input(InputProcessor.Failure)
        /// An answer has no token.
        case emptyAnswer(index: Int)
        /// Prompt and answer are longer than the context, in tokens.
        case tooLong(index: Int, tokens: Int, limit: Int)

        /// What is wrong.
        public var description: String {
            switch self {
            case .input(let failure): failure.description
            case .emptyAnswer(let index): "answer \(index): there is nothing to score"
            case .tooLong(let index, let tokens, let limit):
                "answer \(index): prompt and answer take \(tokens) tokens, at most \(limit) fit"
            }
        }
    }

    /// Rows of one pass.
    private static let rows = 512

    /// The reward model's adapter, vision and template.
    public let policy: Policy
    private let decoder: Decoder
    private let head: ScalarHead
    private let input: InputProcessor
    private let endToken: Int32
    private let contextLength: Int
    /// The keys and values of one call, in turn.
    private let cache: Mutex<KVCache>

    /// A scorer.
    ///
    /// - Parameters:
    ///   - policy: the part `reward`: what its adapter, vision and template are.
    ///   - head: its head, of the decoder's width.
    ///   - endToken: stands at the end of an answer that ended.
    ///   - contextLength: the most positions of prompt and answer together.
    public init(
        decoder: Decoder, policy: Policy, head: ScalarHead, tokenizer: Tokenizer, endToken: Int32, contextLength: Int
    ) {
        precondition(head.hidden == decoder.configuration.hidden, "a head for a width of \(head.hidden)")
        self.policy = policy
        self.decoder = decoder
        self.head = head
        self.input = InputProcessor(tokenizer: tokenizer)
        self.endToken = endToken
        self.contextLength = contextLength
        self.cache = Mutex(decoder.makeCache(bytes: 0, leastPositions: contextLength + KVCache.blockSize))
    }

    /// The reward of a whole answer to a dialogue.
    ///
    /// - Parameter pictures: those that the messages refer to, by index.
    public func reward(
        messages: [ChatMessage], pictures: [InputProcessor.Picture], answer: String
    ) throws(Failure) -> Float {
        let tokens = input.tokenizer.encode(answer, special: .asText) + [endToken]
        return try rewards(messages: messages, pictures: pictures, answers: [tokens])[0]
    }

    /// The rewards of answers to one dialogue, as tokens: the end token is the last of an answer that ended. An answer
    /// that was cut off is scored at its last token.
    public func rewards(
        messages: [ChatMessage], pictures: [InputProcessor.Picture], answers: [[Int32]]
    ) throws(Failure) -> [Float] {
        let request: EngineRequest
        do { request = try input.request(messages: messages, pictures: pictures, policy: policy) } catch {
            throw .input(error)
        }
        for (index, answer) in answers.enumerated() {
            if answer.isEmpty { throw .emptyAnswer(index: index) }
            let tokens = request.prompt.count + answer.count
            if tokens > contextLength { throw .tooLong(index: index, tokens: tokens, limit: contextLength) }
        }
        let images = request.images.map { image in
            (image.range, policy.vision?.encoder.encode(image.pixels) ?? Tensor(zeros: [0, head.hidden]))
        }
        return cache.withLock { cache in
            // The prompt's whole blocks are computed once; each answer then goes on from them.
            let shared = request.prompt.count / KVCache.blockSize * KVCache.blockSize
            run(request.prompt, from: 0, to: shared, images: images, cache: cache)
            return answers.map { answer in
                let tokens = request.prompt + answer
                let hidden = run(tokens, from: shared, to: tokens.count, images: images, cache: cache)
                return head.scores(hidden, on: decoder.compute)[0]
            }
        }
    }

    /// Computes positions of one sequence, whose blocks are the cache's in order, in passes.
    ///
    /// - Returns: the hidden state of the last one, `[1, hidden]`, or `[0, hidden]` if there are none.
    @discardableResult
    private func run(
        _ tokens: [Int32], from start: Int, to end: Int, images: [(range: Range<Int>, embeddings: Tensor)],
        cache: KVCache
    ) -> Tensor {
        var hidden = Tensor(zeros: [0, head.hidden])
        for first in stride(from: start, to: end, by: Self.rows) {
            let range = first..<min(end, first + Self.rows)
            let blocks = (range.upperBound + KVCache.blockSize - 1) / KVCache.blockSize
            var batch = DecoderBatch(
                tokens: Array(tokens[range]),
                sequences: [
                    SequenceSlice(rows: 0..<range.count, start: first, blockTable: (0..<blocks).map { Int32($0) })
                ], outputRows: range.upperBound == end ? [range.count - 1] : [])
            if let adapter = policy.adapter { batch.adapters = [.init(rows: 0..<range.count, adapter: adapter)] }
            for image in images {
                let part = image.range.clamped(to: range)
                guard !part.isEmpty else { continue }
                let from = part.lowerBound - image.range.lowerBound
                batch.injections.append(
                    .init(row: part.lowerBound - first, embeddings: image.embeddings.rows(from..<from + part.count)))
            }
            hidden = decoder.hiddenStates(batch, cache: cache)
        }
        return hidden
    }
}
