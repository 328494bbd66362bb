import Datasets
package import Training

/// How a policy is tuned on a person's own images. With the data and the policy to start from it decides the
/// fine-tuning, so the settings of the run's folder have it.
public struct TuneSettings: Codable, Sendable, Equatable {
    /// The seed of everything random.
    public var seed: UInt64 = 0
    /// The share of the images that is kept to measure on.
    public var heldOutShare = 0.2
    /// The share of each step's images that is the person's own, in thousandths. The rest are images that the policy
    /// knows, so that it keeps what it knew: the shipped families and easy-VQA, or documents if it reads text.
    public var weight = 500
    /// Questions about an image in one step, at most.
    public var questionsPerImage = 3
    /// The learning rate of the adapter; the rates of connector and encoder scale with it.
    public var learningRate: Float = 5e-4
    /// How often fine-tuning shows each training image, each time a little differently.
    public var passes = 12
    /// Minutes that fine-tuning may take, which may mean fewer passes; nil for as many as these take.
    public var minutes: Double?
    /// Answers of one comparison.
    public var answersPerRanking = 4
    /// Generated questions of each family that the measurement asks.
    public var questionsOfAFamily = 100

    /// The defaults.
    public init() {}

    /// With fewer steps the learning rate has hardly risen.
    static let minimumSteps = 20

    /// The images of a step.
    private static let imagesPerStep = 8
    /// Generated questions of each family of documents that the measurement asks; they take longer than others.
    static let questionsOfADocumentFamily = 40

    /// The settings of the fine-tuning, but for its steps.
    ///
    /// - Parameter readsText: whether the policy to start from reads the text in images.
    package func fineTuning(readsText: Bool) -> FineTuningSettings {
        var settings = FineTuningSettings()
        settings.seed = seed
        settings.questionsPerImage = questionsPerImage
        settings.scaleRates(by: learningRate / settings.adapterRate)
        // Validation tells how it goes; the measurement that follows asks far more.
        (settings.heldOutImages, settings.heldOutFamilyImages) = (40, 4)
        if readsText {
            (settings.officialImages, settings.familyImages, settings.families) = (0, 0, [])
            (settings.documentImages, settings.documents) = (Self.imagesPerStep, DocumentFamily.allCases)
            settings.heldOutDocuments = 2
        } else {
            // The default families lack crowds and captions, and a policy forgets first what it is not shown.
            settings.families += [.crowds, .captions, .crowds, .captions]
        }
        var own = OwnDataSettings(weights: [weight])
        own.heldOutShare = heldOutShare
        own.variesImages = true
        settings.ownData = own
        return settings
    }

    /// The steps of all passes over `images` training images.
    package func steps(images: Int) -> Int {
        let own = Double(Self.imagesPerStep * max(1, weight)) / Double(OwnDataSettings.whole)
        return max(Self.minimumSteps, Int((Double(images * passes) / own).rounded(.up)))
    }

    /// The settings of the training on rankings of answers about `images` images.
    func preferences(images: Int) -> PreferenceSettings {
        var settings = PreferenceSettings()
        settings.seed = seed
        settings.heldOutImages = max(1, images / 5)
        return settings
    }
}
