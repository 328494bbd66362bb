package import Checkpoints
import Datasets
import Foundation
import Training

/// How a policy is tuned on a person's own images. Together with the data and the policy to start from it decides the
/// run, so it is the `config.json` of the run's folder.
public struct TuneSettings: Codable, Sendable, Equatable {
    /// The seed of everything random.
    public var seed: UInt64 = 0
    /// The share of the images that is kept to measure on.
    public var heldOutShare = 0.2
    /// The share of each step's images that is the person's own, in thousandths; the shipped families and easy-VQA have
    /// the rest, so that the policy keeps what it knew.
    public var weight = 500
    /// Questions about an image in one step, at most.
    public var questionsPerImage = 3
    /// The learning rate of the adapter; the rates of connector and encoder scale with it.
    public var learningRate: Float = 5e-4
    /// How often fine-tuning shows each training image, each time a little differently.
    public var passes = 12
    /// Minutes that fine-tuning may take, which may mean fewer passes; nil for as many as these take.
    public var minutes: Double?
    /// Rankings by people to collect and learn from; 0 for none.
    public var rankings = 0
    /// Answers of one comparison.
    public var answersPerRanking = 4
    /// Generated questions of each family that the measurement asks.
    public var questionsOfAFamily = 100

    /// The defaults.
    public init() {}

    /// The images of a step.
    var imagesPerStep: Int { fineTuning.officialImages + fineTuning.familyImages }

    /// The settings of the fine-tuning, but for its steps.
    var fineTuning: FineTuningSettings {
        var settings = FineTuningSettings()
        settings.seed = seed
        settings.questionsPerImage = questionsPerImage
        settings.scaleRates(by: learningRate / settings.adapterRate)
        // Validation tells how it goes; the measurement that follows asks far more.
        (settings.heldOutImages, settings.heldOutFamilyImages) = (40, 4)
        var own = OwnDataSettings(weights: [weight])
        own.heldOutShare = heldOutShare
        own.variesImages = true
        settings.ownData = own
        return settings
    }

    /// The steps of all passes over `images` training images.
    package func steps(images: Int) -> Int {
        let own = Double(imagesPerStep * weight) / Double(OwnDataSettings.whole)
        return max(20, Int((Double(images * passes) / own).rounded(.up)))
    }

    /// The settings of the training on rankings.
    var preferences: PreferenceSettings {
        var settings = PreferenceSettings()
        settings.seed = seed
        settings.heldOutImages = max(1, rankings / 5)
        return settings
    }
}

/// What a tuning run will do and how long that takes: made once, from data and machine, and kept in `plan.json`.
public struct TunePlan: Codable, Sendable, Equatable {
    /// Examples to learn from.
    public let training: Int
    /// Examples to measure on.
    public let heldOut: Int
    /// Steps of the fine-tuning.
    public let steps: Int
    /// Seconds of one step, measured on this machine before the run.
    public let secondsPerStep: Double
    /// Answers of each measurement.
    public let answers: Int
    /// Rankings by people.
    public let rankings: Int

    /// Seconds for one answer of a measurement: 100 families' questions took 7.1 s on two cores of a Zen 5 machine.
    public static let secondsPerAnswer = 0.071

    /// Minutes that the given step takes, rounded up.
    private static func minutes(_ seconds: Double) -> String {
        seconds < 90 ? "\(max(1, Int(seconds.rounded(.up)))) s" : "\(Int((seconds / 60).rounded(.up))) min"
    }

    /// The plan in words, one line a step.
    ///
    /// - Parameter name: the name under which the policy will be published.
    public func lines(name: String) -> [String] {
        let measuring = "about \(Self.minutes(Double(answers) * Self.secondsPerAnswer)) on two idle cores"
        var lines = [
            "1. fine-tuning: \(training) examples, \(steps) steps; about \(Self.minutes(Double(steps) * secondsPerStep)), "
                + "by two measured steps",
            "2. measuring: \(answers) answers, also to \(heldOut) held-out examples with controls; \(measuring)",
            "3. gate: if every rule holds, publishing as \(name)",
        ]
        if rankings > 0 {
            lines += [
                "4. ranking: people rank \(rankings) comparisons on the page, at their own pace",
                "5. DPO on the rankings, measuring and the gate as above; publishing as \(name), the next generation",
            ]
        }
        return lines
    }

    /// Keeps the plan.
    package func write(to path: String) throws { try AtomicFile.write(json: self, to: path) }

    /// The plan that an earlier call of the command made; nil for none.
    package init?(path: String) throws(FileError) {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        self = try decodeSmallFile(Self.self, path: path)
    }

    /// The given plan.
    package init(training: Int, heldOut: Int, steps: Int, secondsPerStep: Double, answers: Int, rankings: Int) {
        (self.training, self.heldOut, self.steps) = (training, heldOut, steps)
        (self.secondsPerStep, self.answers, self.rankings) = (secondsPerStep, answers, rankings)
    }
}

/// Why a policy cannot be tuned.
public enum TuneError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There are too few examples.
    case tooFew(what: String, expected: Int, found: Int)
    /// The queue has too few prompts whose sampled answers differ.
    case tooAlike(rankings: Int, prompts: Int)

    /// What is wrong, and what to do.
    public var description: String {
        switch self {
        case .tooFew(let what, let expected, let found):
            "--data: expected at least \(expected) \(what), found \(found); add examples"
        case .tooAlike(let rankings, let prompts):
            "--rankings \(rankings): only \(prompts) prompts have answers that differ; ask for fewer rankings"
        }
    }
}
