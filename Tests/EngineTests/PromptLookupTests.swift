import Engine
import Testing

@Suite struct PromptLookupTests {
    private func guess(_ tokens: [Int32], limit: Int = 4, room: Int = 10) -> [Int32] {
        var lookup = PromptLookup(limit: limit)
        return Array(lookup.guess(after: tokens, room: room))
    }

    @Test func whatFollowedTheLastTokensBeforeIsGuessed() {
        #expect(guess([1, 2, 3, 4, 5, 6, 7, 1, 2, 3]) == [4, 5, 6, 7])
        #expect(guess([9, 2, 3, 4, 5, 6, 7, 1, 2, 3]) == [4, 5, 6, 7])
        // Three matching tokens take precedence over two, the last occurrence over the first.
        #expect(guess([1, 2, 3, 4, 9, 2, 3, 5, 1, 2, 3]) == [4, 9, 2, 3])
        #expect(guess([2, 3, 4, 2, 3, 5, 8, 2, 3]) == [5, 8, 2, 3])
        #expect(guess([7, 7, 7]) == [7])
    }

    @Test func nothingIsGuessedWithoutAPlace() {
        #expect(guess([1, 2, 3, 4]) == [] && guess([]) == [] && guess([1]) == [] && guess([1, 1]) == [])
        #expect(guess([1, 2, 3, 1, 2, 3], limit: 0) == [] && guess([1, 2, 3, 1, 2, 3], room: 0) == [])
        #expect(guess([1, 2, 3, 1, 2, 3], room: -1) == [] && guess([1, 2, 3, 1, 2, 3], room: 2) == [1, 2])
    }

    @Test func wrongGuessesGetShorterAndRarer() {
        let tokens: [Int32] = [1, 2, 3, 4, 5, 6, 1, 2, 3]
        var lookup = PromptLookup(limit: 4)
        func next() -> Int { lookup.guess(after: tokens, room: 10).count }
        #expect(next() == 4)
        lookup.learn(guessed: 4, right: 0)
        #expect(next() == 2)
        lookup.learn(guessed: 2, right: 1)
        #expect(next() == 2)
        lookup.learn(guessed: 2, right: 0)
        #expect(next() == 1)
        lookup.learn(guessed: 1, right: 0)
        #expect((0..<17).map { _ in next() } == Array(repeating: 0, count: 16) + [1])
        lookup.learn(guessed: 1, right: 1)
        lookup.learn(guessed: 2, right: 2)
        #expect(next() == 4)
    }
}
