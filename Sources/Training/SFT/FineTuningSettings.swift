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
    /// The families of these images, in turn: families that take longest to learn are listed most often. Without any
    /// the other sources take their share.
    public var families: [Family] = [
        .counts, .numbers, .comparisons, .counts, .positions, .numbers, .digits,
        .counts, .comparisons, .numbers, .counts, .descriptions, .numbers, .attributes,
        .counts, .comparisons, .numbers, .counts, .comparisons, .positions, .absence,
    ]
    /// The families of documents, in turn; none for an encoder that does not read.
    package var documents: [DocumentFamily] = []
    /// Documents per step.
    public var documentImages = 4
    /// Questions per image and step.
    public var questionsPerImage = 6
    /// r of the adapter.
    public var rank = 16
    /// α of the adapter.
    public var alpha: Float = 32
    /// The learning rate of the adapter.
    public var adapterRate: Float = 5e-4
    /// The learning rate of a connector that learns. It is low, because otherwise the connector's tokens outgrow word
    /// embeddings, and the additions of the decoder's layers to them are lost.
    public var connectorRate: Float = 5e-5
    /// The learning rate of a vision encoder that learns.
    public var visionRate: Float = 1e-4
    /// Steps over which the learning rates rise.
    public var warmUp = 15
    /// The share of the learning rates at the end.
    public var floor: Float = 0.05
    /// AdamW's moments and clipping.
    public var optimizer = Optimizer.Settings()
    /// Upper bound on the rows of the replayed conversation that joins each step.
    public var replayRows = 256
    /// The weight of the replay's mean divergence from the base model, relative to the loss of the images' answers.
    public var replayWeight: Float = 1
    /// The number of official images, drawn by the seed, that are held out for validation.
    public var heldOutImages = 60
    /// The number of held-out images of each family's validation split.
    public var heldOutFamilyImages = 24
    /// The number of held-out documents of each family's validation split.
    public var heldOutDocuments = 6

    /// How a user's own data take part; nil without any.
    public var ownData: OwnDataSettings?

    /// The settings of the shipped policy (InstructGPT's first stage, Ouyang et al. 2022 §3.5, at this scale).
    public init() {}

    /// Multiplies all learning rates by `factor`.
    public mutating func scaleRates(by factor: Float) {
        adapterRate *= factor
        connectorRate *= factor
        visionRate *= factor
    }

    /// Images per step.
    var imagesPerStep: Int { officialImages + familyImages + (documents.isEmpty ? 0 : documentImages) }

    private enum CodingKeys: String, CodingKey {
        case seed, steps, families, rank, alpha, adapterRate, connectorRate, visionRate, warmUp, floor, optimizer
        case replayRows, replayWeight, documents, documentImages, heldOutDocuments, ownData
        case officialImages = "officialPictures"
        case familyImages = "familyPictures"
        case questionsPerImage = "questionsPerPicture"
        case heldOutImages = "heldOutPictures"
        case heldOutFamilyImages = "heldOutFamilyPictures"
    }
}
