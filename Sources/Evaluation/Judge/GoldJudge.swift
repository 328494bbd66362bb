public import Datasets

/// Judges whether an answer to a generated question is right, from the generator's record of the image.
///
/// The judge reads the answer by rules (words, numbers, negation, named things with their properties and positions), so
/// its verdict on an answer never changes. It has no part in training: training code cannot import this target, and the
/// simulated labelers share no code with it.
public enum GoldJudge {
    /// The better of two answers.
    public enum Preference: String, Codable, Sendable, CaseIterable {
        /// The first one.
        case first
        /// Neither: both are equally good.
        case tie
        /// The second one.
        case second
    }

    /// The verdict on an answer.
    ///
    /// - Parameters:
    ///   - objects: The objects in the image that the question is about.
    ///   - ended: Whether the answer ended by itself; false if a limit cut it.
    public static func verdict(
        on answer: String, to question: FamilyQuestion, about objects: [SceneObject], ended: Bool = true
    ) -> Verdict {
        let reading = AnswerReading(answer)
        let check = TruthCheck(reading: reading, question: AnswerReading(question.text), objects: objects)
        let form = AnswerForm(answer, question: question, objects: objects.count, ended: ended)
        return Verdict(
            share: check.share(of: question.truth), absentThings: check.absentThings(against: question.truth),
            obeysForm: form.isObeyed, endsProperly: form.endsProperly, needlessWords: form.needlessWords)
    }

    /// The verdict's score: higher is better; see `Verdict.score`.
    public static func score(
        _ answer: String, to question: FamilyQuestion, about scene: Scene, ended: Bool = true
    ) -> Double {
        verdict(on: answer, to: question, about: scene.objects, ended: ended).score
    }

    /// The better of two verdicts on answers to one question: the one with the higher score. Scores are numbers, so
    /// preferences never form a cycle, and equal scores tie.
    public static func preference(_ first: Verdict, _ second: Verdict) -> Preference {
        if first.score == second.score { return .tie }
        return first.score > second.score ? .first : .second
    }

    /// Whether the question names a thing that is not in the image.
    public static func isAboutAbsentThing(_ question: FamilyQuestion, objects: [SceneObject]) -> Bool {
        if case .absent = question.truth { return true }
        let reading = AnswerReading(question.text)
        return TruthCheck(reading: reading, question: reading, objects: objects).namesAbsentThing
    }
}
