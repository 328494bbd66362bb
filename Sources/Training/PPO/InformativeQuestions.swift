/// The informative questions of an iteration. If all answers to a question are equal, no answer is better than another
/// and the advantages are only the value model's error. More questions are asked than are trained on, and the questions
/// with differing answers are kept (dynamic sampling: Yu et al. 2025, DAPO, §3.2).
package struct InformativeQuestions: Sendable {
    /// The kept questions with their images, in order.
    package let images: [AnsweredImage]
    /// The share of all questions whose answers differ.
    package let share: Double

    /// - Parameters:
    ///   - asked: at least one image. If all answers agree, the first image is kept whole, so that the iteration has
    ///     something to measure.
    ///   - limit: upper bound on the kept questions.
    package init(of asked: [AnsweredImage], limit: Int) {
        precondition(!asked.isEmpty && limit > 0, "no questions")
        var left = limit
        var informative = 0
        var kept: [AnsweredImage] = []
        for image in asked {
            let differing = image.questions.filter { Set($0.answers.map(\.tokens)).count > 1 }
            informative += differing.count
            if left > 0, !differing.isEmpty { kept.append(image.with(Array(differing.prefix(left)))) }
            left -= min(left, differing.count)
        }
        images = kept.isEmpty ? [asked[0]] : kept
        share = Double(informative) / Double(asked.reduce(0) { $0 + $1.questions.count })
    }
}

extension AnsweredImage {
    /// The image with only the given questions.
    fileprivate func with(_ questions: [Question]) -> AnsweredImage {
        AnsweredImage(
            prompts: prompts, prefix: prefix, visual: visual, embeddings: embeddings, questions: questions)
    }
}
