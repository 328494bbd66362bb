/// The questions of an iteration that teach something: where all answers are the same, no answer is better than
/// another and its advantage is the value model's error. More questions are asked than are learned from, and those
/// are kept whose answers differ (dynamic sampling: Yu et al. 2025, DAPO, §3.2).
package struct InformativeQuestions: Sendable {
    /// The kept questions with their images, in order.
    package let images: [AnsweredImage]
    /// The share of all questions whose answers differ.
    package let share: Double

    /// - Parameters:
    ///   - asked: at least one image. If all their answers agree, the first one is kept whole: an iteration has
    ///     something to measure in any case.
    ///   - most: the most questions that are kept.
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
    /// The image with some of its questions.
    fileprivate func with(_ questions: [Question]) -> AnsweredImage {
        AnsweredImage(
            prompts: prompts, prefix: prefix, visual: visual, embeddings: embeddings, questions: questions)
    }
}
