public import Datasets

/// How supervised fine-tuning goes; together with the input files it decides the result.
public struct FineTuningSettings: Codable, Sendable, Equatable {
    /// Decides the adapter's start and the order of the data.
    public var seed: UInt64 = 0
    /// Steps of the whole run.
    public var steps = 1_300
    /// easy-VQA's images a step.
    public var officialImages = 1
    /// The families' images a step.
    public var familyImages = 7
    /// The families of those images, in turn: what takes longest to learn stands there most often.
    public var families: [Family] = [
        .counts, .numbers, .comparisons, .counts, .positions, .numbers, .digits,
        .counts, .comparisons, .numbers, .counts, .descriptions, .numbers, .attributes,
        .counts, .comparisons, .numbers, .counts, .comparisons, .positions, .absence,
    ]
    /// Questions an image and step.
    public var questionsPerImage = 6
    /// r of the adapter.
    public var rank = 16
    /// α of the adapter.
    public var alpha: Float = 32
    /// Learning rate of the adapter.
    public var adapterRate: Float = 5e-4
    /// Learning rate of the connector: low, or its tokens outgrow those of words, and what the decoder's layers add to
    /// them is lost.
    public var connectorRate: Float = 5e-5
    /// Learning rate of the vision encoder.
    public var visionRate: Float = 1e-4
    /// Steps over which the rates rise.
    public var warmUp = 15
    /// The share of the rates that is left at the end.
    public var floor: Float = 0.05
    /// AdamW's moments and clipping.
    public var optimizer = AdamWOptimizer.Settings()
    /// The most rows of the replayed conversation that joins each step.
    public var replayRows = 256
    /// Weight of the replay's mean divergence from the base model beside the loss of the images' answers.
    public var replayWeight: Float = 1
    /// Official images, drawn by the seed, that are held out for validation.
    public var heldOutImages = 60
    /// Images of the validation split that are held out, of each family.
    public var heldOutFamilyImages = 24

    /// The settings of the policy that ships (InstructGPT's first stage, Ouyang et al. 2022 §3.5, at this scale).
    public init() {}

    /// Brings all learning rates to `factor` times theirs.
    public mutating func scaleRates(by factor: Float) {
        adapterRate *= factor
        connectorRate *= factor
        visionRate *= factor
    }

    /// Images a step.
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
