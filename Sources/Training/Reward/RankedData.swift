import Checkpoints
import Datasets
import Images
import Models
import Policies
import Tensors
import Tokenizers

/// The rankings of a run, the embeddings of their images, and the prompts made of both.
struct RankedData {
    let training: [RankedAnswers]
    let heldOut: [RankedAnswers]
    private let image: (PreferenceImage) throws -> RGBImage
    private let demonstrated: (RankedAnswers) throws -> String?
    private let reader: RankedPromptReader
    private let weights: VisionWeights
    private let processor: ImageProcessor
    private var embeddings: [PreferenceImage: Tensor] = [:]

    /// Reads the rankings; `encodeImages` encodes the images.
    init(
        _ inputs: RewardModelingJob.Inputs, basis: PolicyBasis, configuration: DecoderConfiguration,
        tokenizer: Tokenizer
    ) throws {
        training = try Self.comparisons(inputs.rankings, split: .training)
        heldOut = try inputs.heldOut.map { try Self.comparisons($0, split: .validation) } ?? []
        let known = Set(training.map(\.id))
        if let twice = heldOut.first(where: { known.contains($0.id) }) {
            throw RankedAnswersError.contradiction(id: twice.id)
        }
        image = inputs.image
        demonstrated = inputs.demonstration
        reader = try RankedPromptReader(
            template: basis.template, tokenizer: tokenizer, vocabulary: configuration.vocabulary)
        weights = try basis.visionWeights(in: inputs.vision, hidden: configuration.hidden)
        processor = basis.imageProcessor
    }

    /// Encodes each image once, as serving does: vision encoder and connector are frozen.
    mutating func encodeImages(on compute: Compute, report: (String) -> Void) throws {
        let encoder = VisionEncoder(weights, on: compute)
        for reference in (training + heldOut).compactMap(\.image) where embeddings[reference] == nil {
            embeddings[reference] = encoder.encode(processor.tiles(of: try image(reference), detail: .auto))
            if embeddings.count % 500 == 0 { report("reward: \(embeddings.count) pictures encoded") }
        }
    }

    /// The embeddings of a blank tile, `[tokens of a tile, hidden]`.
    func blankTile(on compute: Compute) throws -> Tensor {
        let side = processor.tileSize
        let blank = RGBImage(width: side, height: side, red: 243, green: 243, blue: 243)
        return VisionEncoder(weights, on: compute).encode(processor.tiles(of: blank, detail: .low))
    }

    /// Each comparison's prompt, in order.
    func prompts(of comparisons: [RankedAnswers]) throws -> [RankedPrompt] {
        try comparisons.map { try reader.prompt(of: $0, embeddings: $0.image.flatMap { embeddings[$0] }) }
    }

    /// For each prompt the tokens of the demonstrated answer, found by the comparison that the prompt was made of.
    func demonstrations(for prompts: [RankedPrompt]) throws -> [[Int32]?] {
        let comparisons = Dictionary(uniqueKeysWithValues: (training + heldOut).map { ($0.id, $0) })
        return try prompts.map { prompt in
            try comparisons[prompt.id].flatMap(demonstrated).map(reader.answer)
        }
    }

    /// The comparisons in a file, whose generated images must be of `split`. For training, the held-out labeler's
    /// rankings are left out.
    private static func comparisons(_ path: String, split: SeedSplit) throws -> [RankedAnswers] {
        let records = try PreferenceRecord.load(path: path).filter {
            split != .training || $0.labeler != SimulatedLabeler.heldOut.labeler
        }
        let comparisons = try RankedAnswers.comparisons(of: records)
        for comparison in comparisons {
            guard case .generated(_, let seed) = comparison.image else { continue }
            let found = SeedSplit(of: seed)
            if found != split { throw RankedAnswersError.split(id: comparison.id, expected: split, found: found) }
        }
        return comparisons
    }
}
