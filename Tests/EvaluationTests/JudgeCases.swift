import Datasets
import Evaluation
import Foundation

/// One line of `Fixtures/judge-cases.txt`: an answer with a person's verdict on it.
struct JudgeCase: CustomStringConvertible {
    let line: Int
    let question: FamilyQuestion
    let objects: [SceneObject]
    let answer: String
    let correctness: Verdict.Correctness
    /// The first digits of the share; nil if any share will do.
    let share: Double?
    let obeysForm: Bool
    let endsProperly: Bool
    let isNeedlesslyLong: Bool
    let absentThings: [String]

    var description: String { "line \(line): \(question.text) \(answer)" }

    var verdict: Verdict { GoldJudge.verdict(on: answer, to: question, about: objects) }

    /// All cases of a file; the head of the file describes the format.
    static func load(_ text: String) throws -> [JudgeCase] {
        var cases: [JudgeCase] = []
        var objects: [SceneObject] = []
        var question: FamilyQuestion?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let content = line.trimmingCharacters(in: .whitespaces)
            guard !content.isEmpty, !content.hasPrefix("#") else { continue }
            let word = content.prefix { $0 != " " }
            let rest = content.dropFirst(word.count).trimmingCharacters(in: .whitespaces)
            let problem = MalformedCase(line: index + 1, text: content)
            switch word {
            case "scene":
                objects = try rest.split(separator: ",").map { try object(String($0), problem) }
            case "ask":
                question = try self.question(rest, problem)
            default:
                guard let question else { throw problem }
                cases.append(try JudgeCase(index + 1, content, question, objects, problem))
            }
        }
        return cases
    }

    private init(
        _ line: Int, _ content: String, _ question: FamilyQuestion, _ objects: [SceneObject], _ problem: MalformedCase
    ) throws {
        let halves = content.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
        let marks = halves[0].split(separator: " ").map(String.init)
        guard halves.count == 2, let first = marks.first, let correctness = Verdict.Correctness(rawValue: first)
        else { throw problem }
        let known = marks.dropFirst().filter { ["-form", "-end", "+long"].contains($0) }
        let absent = marks.dropFirst().filter { $0.hasPrefix("+no:") }
        let share = marks.dropFirst().compactMap(Double.init)
        guard known.count + absent.count + share.count == marks.count - 1 else { throw problem }
        (self.line, self.question, self.objects, self.correctness) = (line, question, objects, correctness)
        answer = halves[1].trimmingCharacters(in: .whitespaces)
        self.share = share.first
        obeysForm = !known.contains("-form")
        endsProperly = !known.contains("-end")
        isNeedlesslyLong = known.contains("+long")
        absentThings = absent.map { $0.dropFirst(4).replacingOccurrences(of: "_", with: " ") }
    }

    /// `[large|small] colour form|'characters' x y width height`
    private static func object(_ text: String, _ problem: MalformedCase) throws -> SceneObject {
        var words = text.split(separator: " ").map(String.init)
        let isLarge: Bool? = ["large", "small"].contains(words.first) ? words.removeFirst() == "large" : nil
        guard words.count == 6, let colour = SceneColour(rawValue: words[0]) else { throw problem }
        let numbers = words.dropFirst(2).compactMap { Int($0) }
        guard numbers.count == 4 else { throw problem }
        let kind: SceneObject.Kind
        if let shape = SceneShape(rawValue: words[1]) {
            kind = .shape(shape)
        } else {
            guard words[1].hasPrefix("'"), words[1].count > 1 else { throw problem }
            kind = .glyph(String(words[1].dropFirst()))
        }
        let box = ShapeScene.Box(x: numbers[0], y: numbers[1], width: numbers[2], height: numbers[3])
        return SceneObject(kind: kind, colour: colour, isLarge: isLarge, box: box)
    }

    /// `form; truth; question; demonstrated answer`
    private static func question(_ text: String, _ problem: MalformedCase) throws -> FamilyQuestion {
        let batches = text.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
        guard batches.count == 4, let form = FamilyQuestion.Form(rawValue: batches[0]) else { throw problem }
        let words = batches[1].split(separator: " ", maxSplits: 1).map(String.init)
        let rest = words.count > 1 ? words[1] : ""
        let truth: GroundTruth
        switch words.first {
        case "yes": truth = .yesNo(true)
        case "no": truth = .yesNo(false)
        case "count":
            guard let count = Int(rest) else { throw problem }
            truth = .count(count)
        case "text": truth = .text(rest)
        case "words":
            let lists = rest.split(separator: "/", omittingEmptySubsequences: false).map { list in
                list.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            }
            guard lists.count == 2 else { throw problem }
            truth = .words(right: lists[0], wrong: lists[1])
        case "absent": truth = .absent(thing: rest)
        case "unknowable": truth = .unknowable
        case "description": truth = .description
        default: throw problem
        }
        return FamilyQuestion(family: .attributes, text: batches[2], answer: batches[3], form: form, truth: truth)
    }
}

struct MalformedCase: Error, CustomStringConvertible {
    let line: Int
    let text: String

    var description: String { "judge-cases.txt, line \(line) is no case: \(text)" }
}
