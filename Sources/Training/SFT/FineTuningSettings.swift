public import Datasets

/// The settings of supervised fine-tuning; together with the input files they decide the result.
public struct FineTuningSettings: Codable, Sendable, Equatable {
    /// Decides the adapter's initial weights and the order of the data.
    public var seed: UInt64 = 0
    /// The number of steps of the whole run.
    public var steps = 1_300
    /// Images of easy-VQA per step.
    public var officialImages = 1
    /// Images of the families per step.
    public var familyImages = 7
    /// The families of these images, in turn: families that take longest to learn are listed most often.
    public var families: [Family] = [
        .counts, .numbers, .comparisons, .counts, .positions, .numbers, .digits,
        .counts, .comparisons, .numbers, .counts, .descriptions, .numbers, .attributes,
        .counts, .comparisons, .numbers, .counts, .comparisons, .positions, .absence,
    ]
    /// Questions per image and step.
    public var questionsPerImage = 6
    /// r of the adapter.
    public var rank = 16
    /// α of the adapter.
    public var alpha: Float = 32
    /// The learning rate of the adapter.
    public var adapterRate: Float = 5e-4
    /// The learning rate of the connector. It is low, because otherwise the connector's tokens outgrow word embeddings,
    /// and the additions of the decoder's layers to them are lost.
    public var connectorRate: Float = 5e-5
    /// The learning rate of the vision encoder.
    public var visionRate: Float = 1e-4
    /// Steps over which the learning rates rise.
    public var warmUp = 15
    /// The share of the learning rates at the end.
    public var floor: Float = 0.05
    /// AdamW's moments and clipping.
    public var optimizer = AdamWOptimizer.Settings()
    /// Upper bound on the rows of the replayed conversation that joins each step.
    public var replayRows = 256
    /// The weight of the replay's mean divergence from the base model, relative to the loss of the images' answers.
    public var replayWeight: Float = 1
    /// The number of official images, drawn by the seed, that are held out for validation.
    public var heldOutImages = 60
    /// The number of held-out images of each family's validation split.
    public var heldOutFamilyImages = 24

    /// The settings of the shipped policy (InstructGPT's first stage, Ouyang et al. 2022 §3.5, at this scale).
    public init() {}

    /// Multiplies all learning rates by `factor`.
    public mutating func scaleRates(by factor: Float) {
        adapterRate *= factor
        connectorRate *= factor
        visionRate *= factor
    }

    /// Images per step.
    var imagesPerStep: Int { officialImages + familyImages }

    private enum CodingKeys: String, CodingKey {
        case seed, steps, families, rank, alpha, adapterRate, connectorRate, visionRate, warmUp, floor, optimizer
        case replayRows, replayWeight
        case officialImages = "officialPictures"
        case familyImages = "familyPictures"
        case questionsPerImage = "questionsPerPicture"
        case heldOutImages = "heldOutPictures"
        case heldOutFamilyImages = "heldOutFamilyPictures"
    }
}
