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

/// The gold judge's verdict on one answer.
public struct Verdict: Codable, Sendable, Equatable {
    /// The three grades of an answer.
    public enum Correctness: String, Codable, Sendable, CaseIterable {
        /// The answer says everything that is true and nothing else.
        case right
        /// The answer tells only some of the truth, or adds false claims. Only descriptions can be partly right.
        case partly
        /// The answer says something else, nothing, or contradictory things.
        case wrong
    }

    /// The grade of the answer.
    public let correctness: Correctness
    /// 1 if right, 0 if wrong. For a description, the harmonic mean of the share of objects that it names and the share
    /// of its claims that are true.
    public let share: Double
    /// The absent things that the answer names as present, in its own words: hallucinations.
    public let absentThings: [String]
    /// Whether the answer has the asked form: a few words, one full sentence, or a few sentences.
    public let obeysForm: Bool
    /// Whether the answer ends properly, not in the middle of a sentence.
    public let endsProperly: Bool
    /// Words beyond what the question needs.
    public let needlessWords: Int

    package init(
        share: Double, absentThings: [String], obeysForm: Bool, endsProperly: Bool, needlessWords: Int
    ) {
        correctness = share == 1 ? .right : share > 0 ? .partly : .wrong
        self.share = share
        self.absentThings = absentThings
        self.obeysForm = obeysForm
        self.endsProperly = endsProperly
        self.needlessWords = needlessWords
    }

    /// The verdict as one number, in thousandths, from about -0.5 to 1.2:
    ///
    ///     share - 0.2 min(absent things, 2) + 0.1 [obeys form] + 0.1 [ends properly] - 0.01 min(needless words, 10)
    ///
    /// A right answer always scores above a wrong one, whatever their style: style and absent things together move a
    /// score by less than 0.8. Length as such is free; only unneeded words cost a little.
    public var score: Double {
        let style = (obeysForm ? 0.1 : 0) + (endsProperly ? 0.1 : 0) - 0.01 * Double(min(needlessWords, 10))
        return ((share - 0.2 * Double(min(absentThings.count, 2)) + style) * 1000).rounded() / 1000
    }
}
