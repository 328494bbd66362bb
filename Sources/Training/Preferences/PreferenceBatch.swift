import Datasets
import Models
import Tensors

/// The answers of one step with their log-ratios and losses.
struct PreferenceBatch: Sendable {
    /// The losses and statistics of a batch.
    struct Result: Sendable {
        /// The mean loss per prompt.
        var loss = 0.0
        /// The gradient with respect to each distinct answer's log-probability.
        var gradients: [Double] = []
        private var prompts = 0.0
        private var pairs = 0.0
        private var right = 0.0
        private var margins = 0.0
        private var chosen = 0.0

        /// Counts a pair of log-ratios.
        mutating func count(chosen: Double, rejected: Double) {
            pairs += 1
            right += chosen > rejected ? 1 : chosen == rejected ? 0.5 : 0
            margins += chosen - rejected
            self.chosen += chosen
        }

        /// Adds the result of `count` other prompts.
        mutating func add(_ other: Result, of count: Int) {
            loss = (loss * prompts + other.loss * Double(count)) / (prompts + Double(count))
            prompts += Double(count)
            pairs += other.pairs
            right += other.right
            margins += other.margins
            chosen += other.chosen
        }

        /// `accuracy`: the share of pairs whose preferred answer gained more, in nats, than the other; `margin`: by how
        /// many nats; `log_ratio_chosen`: how many nats the preferred answers gained themselves.
        ///
        /// Empty without pairs.
        var metrics: [(name: String, value: Double)] {
            guard pairs > 0 else { return [] }
            let count = pairs
            return [("accuracy", right / count), ("margin", margins / count), ("log_ratio_chosen", chosen / count)]
        }
    }

    private let batch: RankingBatch
    private let method: PreferenceMethod
    /// For each prompt the index of an answer that belongs to another prompt, for KTO; none for a lone prompt.
    private let unrelated: [Int]

    var trees: AnswerTrees { batch.trees }

    init(_ prompts: [RankedPrompt], method: PreferenceMethod) {
        self.method = method
        guard method == .kto, prompts.count > 1 else {
            batch = RankingBatch(prompts)
            unrelated = []
            return
        }
        // Each prompt gets the first answer of the next one.
        batch = RankingBatch(
            prompts.indices.map { index in
                prompts[index].appending(prompts[(index + 1) % prompts.count].answers[0])
            })
        unrelated = batch.prompts.map { $0.indices[$0.indices.count - 1] }
    }

    /// The losses for the log-probabilities of all tokens under the policy and under the reference.
    func loss(_ policy: [Float], reference: [Float], settings: PreferenceSettings) -> Result {
        let ratios = trees.answers.map { tokens in
            tokens.reduce(0.0) { $0 + Double(policy[$1]) - Double(reference[$1]) }
        }
        var result = Result()
        result.gradients = [Double](repeating: 0, count: ratios.count)
        let point = DesirabilityLoss.reference(unrelated: unrelated.map { ratios[$0] })
        for prompt in batch.prompts {
            let own = prompt.indices.map { ratios[$0] }
            for ranking in prompt.rankings {
                let part = part(of: ranking, own, prompt, reference: point, settings)
                let weight = ranking.weight / Double(batch.prompts.count * prompt.rankings.count)
                result.loss += weight * part.loss
                for (index, gradient) in zip(prompt.indices, part.gradients) {
                    result.gradients[index] += weight * gradient
                }
                for pair in ranking.pairs { result.count(chosen: own[pair.chosen], rejected: own[pair.rejected]) }
            }
        }
        return result
    }

    private func part(
        of ranking: RankedAnswers.Ranking, _ ratios: [Double], _ prompt: RankingBatch.Prompt, reference: Double,
        _ settings: PreferenceSettings
    ) -> (loss: Double, gradients: [Double]) {
        switch method {
        case .dpo:
            let loss = PreferenceLoss(
                logRatios: ratios, lengths: prompt.indices.map { trees.answers[$0].count }, pairs: ranking.pairs,
                objective: settings.objective, beta: settings.beta, smoothing: settings.labelSmoothing)
            return (loss.loss, loss.gradients)
        case .kto:
            let verdicts = ranking.verdicts
            let loss = DesirabilityLoss(
                logRatios: verdicts.map { ratios[$0.answer] }, isDesirable: verdicts.map(\.isDesirable),
                reference: reference, beta: settings.beta,
                weights: (settings.desirableWeight, settings.undesirableWeight))
            var gradients = [Double](repeating: 0, count: ratios.count)
            for (verdict, gradient) in zip(verdicts, loss.gradients) { gradients[verdict.answer] += gradient }
            return (loss.loss, gradients)
        }
    }

    /// The gradient with respect to the log-probability of each token.
    func slopes(_ result: Result) -> [Double] {
        var slopes = [Double](repeating: 0, count: trees.targets.count)
        for (tokens, gradient) in zip(trees.answers, result.gradients) {
            for token in tokens { slopes[token] = gradient }
        }
        return slopes
    }
}
