package import Tokenizers

/// Turns drawn tokens into text and detects the end of the answer. It emits whole characters only, and no text that can
/// still become part of a stop string.
package struct OutputProcessor {
    private let stop: StopConditions
    private let endTokens: Set<Int32>
    /// The end tokens of the model.
    package let modelEndTokens: Set<Int32>
    private let maximumTokens: Int
    private let longestStop: Int
    private var detokenizer: StreamingDetokenizer
    private var held = ""
    /// Bytes at the beginning of `held` that came before the minimum length: no stop string ends in them.
    private var exempt = 0
    private var heldTokens: [GeneratedToken] = []
    private var count = 0
    private var repetition: RepetitionGuard?

    /// - Parameters:
    ///   - endTokens: the model's own end tokens, each of which ends the answer.
    ///   - room: the positions of the context that are left for the answer.
    package init(stop: StopConditions, endTokens: [Int32], room: Int, tokenizer: Tokenizer) {
        self.stop = stop
        self.modelEndTokens = Set(endTokens)
        self.endTokens = stop.ignoresEndToken ? stop.tokenIDs : stop.tokenIDs.union(endTokens)
        self.maximumTokens = min(stop.maximumTokens ?? room, room)
        self.longestStop = stop.strings.map(\.utf8.count).max() ?? 0
        self.detokenizer = StreamingDetokenizer(tokenizer)
        self.repetition = stop.endsRepetition ? RepetitionGuard() : nil
    }

    /// Ids that must not be drawn for the next token.
    package var bannedTokens: Set<Int32> { count < stop.minimumTokens ? endTokens : [] }

    /// The maximum number of tokens still to come.
    package var remaining: Int { maximumTokens - count }

    /// Appends the next token; returns the text that is now certain, and the reason if the answer ends here.
    ///
    /// - Parameter isComplete: whether the answer may end here although it only repeats itself: a text that must have a
    ///   certain form may not, as long as it does not have it.
    package mutating func append(
        _ token: GeneratedToken, isComplete: Bool = true
    ) -> (delta: TextDelta?, reason: FinishReason?) {
        count += 1
        heldTokens.append(token)
        let repeats = repetition?.append(token.id) ?? false
        if endTokens.contains(token.id) { return (takeText(held.endIndex), .endToken) }
        held += detokenizer.append(token.id)
        if count <= stop.minimumTokens { exempt = held.utf8.count }
        if let (end, string) = firstStop(in: held) {
            held.removeSubrange(end...)
            return (takeText(held.endIndex), .stopString(string))
        }
        if repeats, isComplete, count >= stop.minimumTokens { return (takeText(held.endIndex), .repetition) }
        if count >= maximumTokens { return (takeText(held.endIndex), .length) }
        return (takeText(certainEnd()), nil)
    }

    /// Tokens that have not been sent with a piece of text.
    package var remainingTokens: [GeneratedToken] { heldTokens }

    private mutating func takeText(_ end: String.Index) -> TextDelta? {
        guard end > held.startIndex else { return nil }
        let delta = TextDelta(text: String(held[..<end]), tokens: heldTokens)
        exempt = max(0, exempt - delta.text.utf8.count)
        held.removeSubrange(..<end)
        heldTokens = []
        return delta
    }

    private func firstStop(in text: String) -> (end: String.Index, string: String)? {
        let utf8 = Array(text.utf8)
        var best: (offset: Int, string: String)?
        for string in stop.strings {
            guard let offset = Self.offset(of: Array(string.utf8), in: utf8, endingBehind: exempt) else { continue }
            if best.map({ offset < $0.offset }) ?? true { best = (offset, string) }
        }
        guard let best else { return nil }
        let end = best.offset + (stop.includesString ? best.string.utf8.count : 0)
        return (text.utf8.index(text.startIndex, offsetBy: end), best.string)
    }

    /// The end of the text that can no longer become part of a stop string.
    private func certainEnd() -> String.Index {
        let utf8 = Array(held.utf8)
        for length in stride(from: min(longestStop - 1, utf8.count), to: 0, by: -1) {
            let tail = utf8.suffix(length)
            if stop.strings.contains(where: { $0.utf8.starts(with: tail) }) {
                return held.utf8.index(held.startIndex, offsetBy: utf8.count - length)
            }
        }
        return held.endIndex
    }

    private static func offset(of needle: [UInt8], in text: [UInt8], endingBehind exempt: Int) -> Int? {
        let first = max(0, exempt - needle.count + 1)
        guard first + needle.count <= text.count else { return nil }
        return (first...text.count - needle.count).first { text[$0..<$0 + needle.count].elementsEqual(needle) }
    }
}

/// Detects an answer that repeats one line or phrase without end.
///
/// An answer counts as repeating if it ends in a pattern of up to 64 tokens that occurs at least four times in a row,
/// and these occurrences fill at least 64 tokens. So a single token must occur 64 times, and a line of 16 or more
/// tokens four times.
struct RepetitionGuard {
    private static let longestPattern = 64
    private static let minimumCopies = 4
    private static let minimumTokenCount = 64

    /// The last tokens, oldest first; the length is that of the longest pattern.
    private var recent: [Int32] = []
    /// For each pattern length, the number of last tokens in a row that equal the token that many positions before.
    private var matches = [Int](repeating: 0, count: longestPattern + 1)

    /// Appends the answer's next token; true if the answer now repeats itself.
    mutating func append(_ token: Int32) -> Bool {
        var repeats = false
        for length in 1...Self.longestPattern {
            guard length <= recent.count, recent[recent.count - length] == token else {
                matches[length] = 0
                continue
            }
            matches[length] += 1
            let repeated = length + matches[length]
            repeats = repeats || repeated >= max(Self.minimumTokenCount, Self.minimumCopies * length)
        }
        if recent.count == Self.longestPattern { recent.removeFirst() }
        recent.append(token)
        return repeats
    }
}
