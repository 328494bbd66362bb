import Checkpoints
public import Datasets
public import Images
public import Models
public import Policies
import Tensors

/// The inputs of training on rankings. The run folder records the SHA-256 of each.
public struct RankingInputs {
    /// The base model.
    public var baseModel: ModelCheckpoint
    /// The verified policy with the initial adapter and the vision settings; for DPO and KTO also the reference.
    public var policy: PolicyFolder
    /// The vision generation that the policy names, verified; nil if it sees with the base model's own vision.
    public var vision: PolicyFolder?
    /// Rankings to train on, JSON lines of `PreferenceRecord`; nil for feedback alone.
    public var rankings: String?
    /// Further rankings to train on, of which each counts `feedbackWeight` times; nil for none.
    public var feedback: String?
    /// How many of the other rankings one ranking of the feedback counts for.
    public var feedbackWeight: Double
    /// Answers that people judged by themselves, for KTO alone: a file, for the record, and its answers.
    public var thumbs: (path: String, answers: [UnpairedPreference.Answer])?
    /// Rankings of validation images to measure on; nil to hold out some of `rankings`.
    public var heldOut: String?
    /// Returns the pixels of an image from its reference in a record.
    public var image: (PreferenceImage) throws -> RGBImage
    /// Returns the demonstrated answer to a ranked question; nil if there is none.
    public var demonstration: (RankedAnswers) throws -> String?

    /// The given inputs.
    public init(
        baseModel: ModelCheckpoint, policy: PolicyFolder, vision: PolicyFolder?, rankings: String?, heldOut: String?,
        feedback: String? = nil, feedbackWeight: Double = 1, image: @escaping (PreferenceImage) throws -> RGBImage,
        demonstration: @escaping (RankedAnswers) throws -> String?
    ) {
        self.baseModel = baseModel
        self.policy = policy
        self.vision = vision
        self.rankings = rankings
        self.heldOut = heldOut
        self.feedback = feedback
        self.feedbackWeight = feedbackWeight
        self.image = image
        self.demonstration = demonstration
    }

    /// The files of the rankings by their names in the run's record.
    var files: [String: String] {
        ["rankings": rankings, "feedback": feedback, "heldOut": heldOut, "thumbs": thumbs?.path].compactMapValues { $0 }
    }
}

/// The rankings and thumbs in a run's files.
struct RankedFiles: Sendable {
    /// What is trained on: rankings, feedback and thumbs.
    let training: [RankedAnswers]
    /// What is measured on; empty to hold out a part of `training`.
    let heldOut: [RankedAnswers]

    /// Reads all files.
    ///
    /// - Throws: `RankedAnswersError.contradiction` if two files have the same comparison.
    init(_ inputs: RankingInputs) throws {
        let rankings = try inputs.rankings.map { try Self.comparisons($0, split: .training) } ?? []
        let feedback = try inputs.feedback.map { try Self.comparisons($0, split: .training) } ?? []
        heldOut = try inputs.heldOut.map { try Self.comparisons($0, split: .validation) } ?? []
        var known = Set(rankings.map(\.id))
        for comparison in feedback + heldOut where !known.insert(comparison.id).inserted {
            throw RankedAnswersError.contradiction(id: comparison.id)
        }
        training =
            rankings + feedback.map { $0.weighted(by: inputs.feedbackWeight) }
            + (inputs.thumbs?.answers ?? []).map(RankedAnswers.init)
    }

    /// How many of the training rankings people made, and how many rules.
    var labelers: LabelerCounts { LabelerCounts(training) }

    /// The comparisons in a file, whose generated images must be of `split`. For training, the held-out labeler's
    /// rankings are left out.
    private static func comparisons(_ path: String, split: SeedSplit) throws -> [RankedAnswers] {
        let records = try PreferenceRecord.load(path: path).filter {
            split != .training || $0.labeler != SimulatedLabeler.heldOut.labeler
        }
        let comparisons = try RankedAnswers.comparisons(of: records)
        for comparison in comparisons {
            let seed: UInt64
            switch comparison.image {
            case .generated(_, let number), .document(_, let number): seed = number
            case .easyVQA, .stored, nil: continue
            }
            let found = SeedSplit(of: seed)
            if found != split { throw RankedAnswersError.split(id: comparison.id, expected: split, found: found) }
        }
        return comparisons
    }
}

/// The number of rankings by people and by rules, and of thumbs.
struct LabelerCounts: Codable, Sendable, Equatable, CustomStringConvertible {
    let human: Int
    let simulated: Int
    let thumbs: Int

    init(_ comparisons: [RankedAnswers]) {
        let all = comparisons.flatMap(\.rankings)
        let rankings = all.filter { !$0.pairs.isEmpty }
        human = rankings.count { $0.labeler.kind == .human }
        simulated = rankings.count - human
        thumbs = all.count - rankings.count
    }

    /// The counts in words.
    var description: String {
        "\(human) rankings by people, \(simulated) by simulated rules" + (thumbs > 0 ? ", \(thumbs) thumbs" : "")
    }

    /// The counts for a manifest, by name.
    var metrics: [String: Double] {
        ["rankings_human": Double(human), "rankings_simulated": Double(simulated)]
            .merging(thumbs > 0 ? ["thumbs": Double(thumbs)] : [:]) { first, _ in first }
    }
}

/// Everything that decides the result of a run on rankings, except the policy that it starts from.
struct RankingRunRecord<Settings: Encodable>: Encodable {
    let stage: String
    let settings: Settings
    let labelers: LabelerCounts
    /// How many of the other rankings one ranking of the feedback counts for; nil without feedback.
    let feedbackWeight: Double?
    let precision: String
    let instructionSet: String
    let inputs: [String: FileDigest]

    init(
        stage: TrainedStage, inputs: RankingInputs, replay: String? = nil, labelers: LabelerCounts,
        settings: Settings, precision: Precision, instructionSet: InstructionSet
    ) throws {
        self.stage = stage.rawValue
        self.settings = settings
        self.labelers = labelers
        feedbackWeight = inputs.feedback.map { _ in inputs.feedbackWeight }
        self.precision = "\(precision)"
        self.instructionSet = instructionSet.rawValue
        var digests = [
            "baseModel": inputs.baseModel.digest,
            "policy": try inputs.policy.digest(of: PolicyFiles.adapterWeights),
        ]
        if let vision = inputs.vision { digests["visionModel"] = try vision.digest(of: PolicyFiles.vision) }
        for (name, path) in inputs.files { digests[name] = try FileDigest(path: path) }
        if let replay { digests["replay"] = try FileDigest(path: replay) }
        self.inputs = digests
    }
}
