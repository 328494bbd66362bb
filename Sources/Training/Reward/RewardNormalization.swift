/// The shift and gain that normalise a trained reward model's scores: r' = gain · (r - shift).
///
/// The pair loss determines neither. The shift is the mean reward of demonstrations, which then score 0 on average
/// (Ouyang et al. 2022, §3.5). The gain gives the rewards of a policy's answers a deviation of 1 (Ziegler et al. 2019,
/// §2.1). Only then does a KL weight, or half a deviation, mean the same for every reward model.
public struct RewardNormalization: Codable, Sendable, Equatable {
    /// The mean reward of the demonstrations.
    public let shift: Double
    /// 1 / the standard deviation of the samples' rewards.
    public let gain: Double
    /// The number of scored demonstrations.
    public let demonstrations: Int
    /// The number of scored samples.
    public let samples: Int

    /// Measures `model` on prompts. The samples are their answers about the question's own image; the demonstrations
    /// are a demonstrated answer to each prompt that has one.
    ///
    /// - Parameter demonstrations: the tokens of the demonstrated answer to each prompt, including the end token; nil
    ///   if there is none.
    /// - Throws: `RankedAnswersError.tooFew` without demonstrations, or if the samples' rewards are all equal.
    public init(
        _ model: RewardModel, prompts: [RankedPrompt], demonstrations: [[Int32]?]
    ) throws(RankedAnswersError) {
        precondition(prompts.count == demonstrations.count, "a demonstration, or none, for each prompt")
        let rewards = model.rewards(
            of: zip(prompts, demonstrations).map { $0.scoring($0.answers + ($1.map { [$0] } ?? [])) })
        var demonstrated: [Double] = []
        var sampled: [Double] = []
        for (prompt, rewards) in zip(prompts, rewards) {
            sampled += prompt.answers.indices.filter { !prompt.distractors.contains($0) }.map { Double(rewards[$0]) }
            demonstrated += rewards.dropFirst(prompt.answers.count).map(Double.init)
        }
        guard !demonstrated.isEmpty else { throw .tooFew(what: "demonstrations", expected: 1, found: 0) }
        let mean = Self.mean(sampled)
        let deviation = Self.mean(sampled.map { ($0 - mean) * ($0 - mean) }).squareRoot()
        guard deviation.isFinite, deviation > 0 else {
            throw .tooFew(what: "different rewards of samples", expected: 2, found: 1)
        }
        self.shift = Self.mean(demonstrated)
        self.gain = 1 / deviation
        self.demonstrations = demonstrated.count
        self.samples = sampled.count
    }

    private static func mean(_ values: [Double]) -> Double {
        values.reduce(0, +) / Double(max(1, values.count))
    }
}
