import Datasets
import Support
import Testing

@Suite struct TextSamplesTests {
    private static let words = WordList(words: TextPageTests.words)

    @Test func wordsAreOnOneSideOnly() {
        let list = Self.words
        #expect(Set(list.training.words).isDisjoint(with: list.heldOut.words))
        #expect(list.training.words.allSatisfy { !WordList.isHeldOut($0) })
        #expect(list.heldOut.words.allSatisfy { WordList.isHeldOut($0.uppercased()) })
        let share = Double(list.heldOut.words.count) / Double(list.training.words.count + list.heldOut.words.count)
        #expect((0.06...0.11).contains(share))
        #expect(list.heldOut.frequent.count > 20 && list.side(of: .validation).words == list.heldOut.words)
        #expect(list.side(of: .test).words == list.heldOut.words)
    }

    @Test func onlyWordsOfSmallLettersAreKept() {
        let list = WordList(words: ["zebraic", "Zoroaster", "caf\u{E9}", "it's", "q", "averyverylongword", "the"])
        let all = list.training.words + list.heldOut.words
        #expect(all.contains("zebraic") && all.filter { $0 == "the" }.count == 1)
        for word in ["Zoroaster", "caf\u{E9}", "it's", "q", "averyverylongword"] { #expect(!all.contains(word)) }
    }

    /// Capitals, digits and punctuation are learnt last when they are rare.
    @Test func everyCharacterIsFrequentEnough() {
        var generator = SplitMix64(seed: 1)
        var counts: [Unicode.Scalar: Int] = [:]
        for _ in 0..<20_000 {
            for scalar in TextSamples.sample(from: Self.words.training, &generator).unicodeScalars {
                counts[scalar, default: 0] += 1
            }
        }
        #expect(Set(counts.keys) == Set(TextSamples.alphabet))
        let inked = counts.filter { $0.key != " " }
        let total = Double(inked.values.reduce(0, +))
        let small = Double(inked.filter { $0.key.properties.isLowercase }.values.reduce(0, +))
        #expect((0.42...0.58).contains(small / total), "\(small / total) small letters")
        for (scalar, count) in inked { #expect(Double(count) / total > 0.001, "\(scalar): \(count) of \(total)") }
    }

    @Test(arguments: TextSamples.Kind.allCases)
    func samplesFollowFromTheirGenerator(kind: TextSamples.Kind) {
        var (first, second) = (SplitMix64(seed: 5), SplitMix64(seed: 5))
        var drawn: Set<String> = []
        for _ in 0..<200 {
            let sample = TextSamples.sample(kind, from: Self.words.training, &first)
            #expect(sample == TextSamples.sample(kind, from: Self.words.training, &second))
            #expect(!sample.isEmpty && sample.unicodeScalars.allSatisfy { (32...126).contains($0.value) }, "\(sample)")
            #expect(!sample.hasPrefix(" ") && !sample.hasSuffix(" "), "'\(sample)'")
            drawn.insert(sample)
        }
        #expect(drawn.count > 20)
    }

    @Test func aMissingListIsNamedWithTheCommandThatFetchesIt() {
        #expect(throws: WordListError.missing(path: "/nowhere/words")) { try WordList(path: "/nowhere/words") }
        #expect("\(WordListError.missing(path: "/x"))".contains("make fonts"))
    }
}
