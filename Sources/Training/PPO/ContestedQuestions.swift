/// The questions of an iteration that teach something: where all answers are the same, no answer is better than
/// another and its advantage is the value model's error. More questions are asked than are learned from, and those
/// are kept whose answers differ (dynamic sampling: Yu et al. 2025, DAPO, §3.2).
package struct ContestedQuestions: Sendable {
    /// The kept questions with their pictures, in order.
    package let pictures: [AnsweredPicture]
    /// The share of all questions whose answers differ.
    package let share: Double

    /// - Parameters:
    ///   - asked: at least one picture. If all their answers agree, the first one is kept whole: an iteration has something
    ///     to measure in any case.
    ///   - most: the most questions that are kept.
    package init(of asked: [AnsweredPicture], most: Int) {
        precondition(!asked.isEmpty && most > 0, "no questions")
        var left = most
        var contested = 0
        var kept: [AnsweredPicture] = []
        for picture in asked {
            let differing = picture.questions.filter { Set($0.answers.map(\.tokens)).count > 1 }
            contested += differing.count
            if left > 0, !differing.isEmpty { kept.append(picture.with(Array(differing.prefix(left)))) }
            left -= min(left, differing.count)
        }
        pictures = kept.isEmpty ? [asked[0]] : kept
        share = Double(contested) / Double(asked.reduce(0) { $0 + $1.questions.count })
    }
}

extension AnsweredPicture {
    /// The picture with some of its questions.
    fileprivate func with(_ questions: [Question]) -> AnsweredPicture {
        AnsweredPicture(
            picture: picture, prefix: prefix, visual: visual, embeddings: embeddings, questions: questions)
    }
}
