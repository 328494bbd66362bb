import Datasets
import Models
import Support
import Tensors
import TestSupport
import Tokenizers
import Training

/// Rankings of the tiny llama's answers to made-up images: the answer with the image's colour is preferred, a wrong
/// colour comes last, and of two right answers the shorter is better.
enum TinyRankings {
    static let answers = ["red", "blue", "it is red", "it is blue"]

    /// The comparison about image `number`; every second image is red. `reversed` has its answers in reverse order.
    static func record(_ number: Int, id: String? = nil, reversed: Bool = false) -> PreferenceRecord {
        let tiers = number % 2 == 0 ? [[0], [2], [1, 3]] : [[1], [3], [0, 2]]
        // Completions are in an order without meaning.
        var generator = SplitMix64(seed: UInt64(number))
        let shuffled = generator.shuffled(Array(answers.indices))
        let order = reversed ? shuffled.reversed() : shuffled
        return PreferenceRecord(
            id: id ?? "tiny-\(number)", image: .easyVQA(number: number), question: "what color?",
            completions: order.map { .init(text: answers[$0], tokens: [], policy: "sft@1", finishReason: .stop) },
            tiers: tiers.map { $0.compactMap { order.firstIndex(of: $0) } },
            labeler: .init(kind: .simulatedRule, id: "test"), seed: UInt64(number))
    }

    /// The embeddings of image `number`, `[3, hidden]`.
    static func embeddings(_ number: Int) -> Tensor {
        var generator = SplitMix64(seed: 7, stream: UInt64(number))
        var tokens = Tensor(normal: 0.1, [3, TinyLlama.configuration.hidden], using: &generator)
        for row in 0..<3 { tokens[row, 0] = number % 2 == 0 ? 1 : -1 }
        return tokens
    }

    /// An image of one tile.
    static func encoded(_ embeddings: Tensor) -> EncodedImage {
        EncodedImage(layout: .bare(tiles: 1, tokens: embeddings.rows), embeddings: embeddings)
    }

    static func reader() throws -> RankedPromptReader {
        let format = try DialogueFormat(
            template: .chatml, processor: ImageProcessor(tileSize: 16), positionsPerTile: 3,
            tokenizer: TinyLlama.tokenizer())
        return RankedPromptReader(format: format, vocabulary: TinyLlama.configuration.vocabulary)
    }

    static func prompts(_ numbers: Range<Int>) throws -> [RankedPrompt] {
        let reader = try reader()
        return try RankedAnswers.comparisons(of: numbers.map { record($0) }).map {
            guard case .easyVQA(let number) = $0.image else { preconditionFailure("a picture") }
            return try reader.prompt(of: $0, image: encoded(embeddings(number)))
        }
    }

    static func adapter(seed: UInt64 = 4) -> LowRankAdapter {
        var generator = SplitMix64(seed: seed, stream: 0)
        return LowRankAdapter(starting: TinyLlama.configuration, rank: 4, alpha: 8, using: &generator)
    }

    static func settings() -> RewardModelingSettings {
        var settings = RewardModelingSettings()
        settings.promptsPerStep = 8
        settings.adapterRate = 1e-2
        settings.headRate = 2e-2
        settings.warmUp = 3
        settings.heldOutImages = 20
        return settings
    }
}
