import Datasets
import Testing

/// Truths, found again from the question's words and the objects alone.
@Suite struct FamilyTruthTests {
    @Test(arguments: [Family.counts, .positions, .attributes, .comparisons, .absence])
    func truthsFollowFromTheObjects(family: Family) {
        var (checked, all) = (0, 0)
        for seed in FamilyImageTests.seeds {
            let image = family.image(seed: seed)
            for question in image.questions {
                all += 1
                guard let isRight = Self.check(question, image.scene.objects) else { continue }
                checked += 1
                #expect(isRight, "seed \(seed): \(question.text) \(question.truth)")
            }
        }
        #expect(checked * 3 > all, "\(checked) of \(all)")
    }

    /// Whether the truth is so; nil for questions that are not checked.
    private static func check(_ question: FamilyQuestion, _ objects: [SceneObject]) -> Bool? {
        let text = question.text.split { ".?".contains($0) }.first.map(String.init) ?? ""
        let nouns = Noun.all(in: FamilyQuestionTests.words(text))
        let fitting = nouns.map { noun in objects.filter(noun.fits) }
        switch question.truth {
        case .count(let count): return (fitting.first ?? objects).count == count
        case .absent: return question.text.contains(" thing") || nouns.count == 1 ? fitting.allSatisfy(\.isEmpty) : nil
        case .yesNo(let isTrue):
            if let number = nouns.first?.number { return (fitting[0].count == number) == isTrue }
            if let relation = Relation(text), fitting.count == 2, let one = fitting[0].first,
                let other = fitting[1].first
            {
                return relation.holds(one, other) == isTrue
            }
            if question.family == .absence, fitting.count == 1 { return !fitting[0].isEmpty == isTrue }
            return nil
        case .words(let right, _):
            if let relation = Relation(text), fitting.count == 1, let other = fitting[0].first, let answer = right.first
            {
                let meant = Noun.all(in: FamilyQuestionTests.words(answer)).first
                let ahead = objects.filter { relation.holds($0, other) && $0 != other }
                return ahead.count == 1 && meant.map { ahead.allSatisfy($0.fits) } == true
            }
            if fitting.count == 1, fitting[0].count == 1, let object = fitting[0].first {
                return right.first.map { words(object).contains($0) }
            }
            guard fitting.count == 2, let index = winner(text, fitting), let answer = right.first else { return nil }
            return Noun.all(in: FamilyQuestionTests.words(answer)).first == nouns[index].bare
        case .text, .unknowable, .description, .transcript, .number, .time, .list, .unreadable: return nil
        }
    }

    /// Everything that is right to say of one thing.
    private static func words(_ object: SceneObject) -> [String] {
        guard case .shape(let shape) = object.kind else { return [] }
        let (x, y) = (
            Double(object.box.x) + Double(object.box.width) / 2, Double(object.box.y) + Double(object.box.height) / 2
        )
        let (row, column) = (y < 32 ? "top" : "bottom", x < 32 ? "left" : "right")
        let isCentral = abs(x - 32) < 6 && abs(y - 32) < 6
        let size = object.isLarge.map { $0 ? "large" : "small" } ?? ""
        return [object.colour.rawValue, shape.rawValue, row, column, isCentral ? "middle" : "\(row) \(column)", size]
    }

    /// Which of two kinds is larger, or more.
    private static func winner(_ text: String, _ fitting: [[SceneObject]]) -> Int? {
        let words = Set(FamilyQuestionTests.words(text))
        let sizes: [Int]
        if !words.isDisjoint(with: ["larger", "bigger", "smaller"]) {
            sizes = fitting.map { $0.first?.box.width ?? 0 }
        } else if !words.isDisjoint(with: ["more", "fewer"]) {
            sizes = fitting.map(\.count)
        } else {
            return nil
        }
        guard sizes[0] != sizes[1] else { return nil }
        let isLess = !words.isDisjoint(with: ["smaller", "fewer"])
        return (sizes[0] > sizes[1]) != isLess ? 0 : 1
    }
}

/// A thing as a question names it: number, colour and form as far as they are said.
private struct Noun: Equatable {
    var number: Int?
    var colour: SceneColour?
    var shape: SceneShape?

    var bare: Noun { Noun(number: nil, colour: colour, shape: shape) }

    func fits(_ object: SceneObject) -> Bool {
        (colour == nil || object.colour == colour) && (shape.map { object.kind == .shape($0) } ?? true)
    }

    static func all(in words: [String]) -> [Noun] {
        var nouns: [Noun] = []
        for (index, word) in words.enumerated() {
            let shape = SceneShape.allCases.first { [$0.rawValue, "\($0)s", "\($0)es"].contains(word) }
            let isGeneric = ["thing", "object", "things", "objects", "anything", "shapes", "shape"].contains(word)
            guard shape != nil || isGeneric else { continue }
            let before = index > 0 ? words[index - 1] : ""
            let colour =
                SceneColour(rawValue: before) ?? (word == "anything" ? words.last.flatMap(SceneColour.init) : nil)
            let first = index - (SceneColour(rawValue: before) == nil ? 1 : 2)
            let noun = Noun(number: first >= 0 ? Int(words[first]) : nil, colour: colour, shape: shape)
            // "What shape", "which thing" and the like ask for one and name none.
            if shape != nil || colour != nil || noun.number != nil { nouns.append(noun) }
        }
        return nouns
    }
}

private enum Relation: String, CaseIterable {
    case left = "left of"
    case right = "right of"
    case above, below

    init?(_ text: String) {
        guard let found = Self.allCases.first(where: { text.contains($0.rawValue) }) else { return nil }
        self = found
    }

    func holds(_ one: SceneObject, _ other: SceneObject) -> Bool {
        let columns = (2 * one.box.x + one.box.width) - (2 * other.box.x + other.box.width)
        let rows = (2 * one.box.y + one.box.height) - (2 * other.box.y + other.box.height)
        return switch self {
        case .left: columns < 0
        case .right: columns > 0
        case .above: rows < 0
        case .below: rows > 0
        }
    }
}
