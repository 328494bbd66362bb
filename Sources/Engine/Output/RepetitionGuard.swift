/// Notices an answer that has begun to repeat itself and will not stop: a line or phrase again and again.
///
/// The answer ends in a pattern of up to 64 tokens that stands there at least four times, and fills at least 64 tokens.
/// One token must therefore come 64 times, a line of 16 or more tokens four times.
struct RepetitionGuard {
    private static let longestPattern = 64
    private static let minimumCopies = 4
    private static let minimumTokenCount = 64

    /// The last tokens, the oldest first; as many as the longest pattern has.
    private var recent: [Int32] = []
    /// For each length of a pattern, how many of the last tokens equal the one that many places before.
    private var matches = [Int](repeating: 0, count: longestPattern + 1)

    /// Takes the answer's next token; true if the answer now repeats itself.
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
