import Datasets
import Foundation
import Images
import Testing

@Suite struct EasyVQATests {
    static let dataSet = Result<EasyVQA, EasyVQAError> { () throws(EasyVQAError) in
        let home = ProcessInfo.processInfo.environment
        let cache = home["XDG_CACHE_HOME"].map { URL(filePath: $0) } ?? URL.homeDirectory.appending(path: ".cache")
        return try EasyVQA(folder: cache.appending(path: "apus/easy-vqa-1.0"))
    }

    @Test func hasTheOfficialNumbers() throws {
        let data = try Self.dataSet.get()
        #expect(data.training.count == 38_575 && data.test.count == 9_673)
        #expect(data.training.count { $0.kind == .yesNo } == 28_407)
        #expect(data.test.count { $0.kind == .yesNo } == 7_136)
        #expect(Set(data.training.map(\.image)) == Set(0..<4_000))
        #expect(Set(data.test.map(\.image)) == Set(0..<1_000))
        #expect(
            data.training[0]
                == EasyVQAQuestion(
                    text: "what is the blue shape?", answer: .rectangle, image: 0))
    }

    @Test func noTrainingImageIsATestImage() throws {
        let data = try Self.dataSet.get()
        for number in 0..<4_000 { _ = try data.trainingImage(number) }
    }

    @Test func questionsRevealTheImage() throws {
        let data = try Self.dataSet.get()
        let facts = try data.trainingFacts()
        #expect(facts.count == 4_000)
        for official in OfficialImage.all {
            let fact = try #require(facts[official.number])
            #expect(fact.shapes.contains(official.outline.shape) && fact.colours.contains(official.colour))
        }
        for (number, fact) in facts {
            guard let colour = fact.colour else { continue }
            let pixels = try data.trainingImage(number).pixels
            let hasColour = stride(from: 0, to: pixels.count, by: 3).contains {
                Array(pixels[$0..<($0 + 3)]) == colour.rgb
            }
            #expect(hasColour, "picture \(number) is said to be \(colour)")
        }
        let known = facts.values.count { $0.shape != nil && $0.colour != nil }
        #expect(known == 3_578)
    }
}
