package import Datasets

/// What one step replays of a conversation: at most so many tokens, and how much the prediction of each counts.
///
/// A conversation that is longer is replayed by turns from its beginning and from its end, so that training sees both
/// how a reply begins and that it ends. The first tokens of a reply decide what becomes of it, and its end token
/// whether it ever ends: they count several times.
package struct ReplayExcerpt {
    /// The tokens, those of the prompt first.
    package let tokens: [Int32]
    /// Where the reply begins in `tokens`.
    package let replyStart: Int
    /// For each token, how much its prediction counts.
    package let weights: [Float]

    private static let openingTokens = 8
    private static let openingWeight: Float = 4

    /// An excerpt of `record`.
    ///
    /// - Parameters:
    ///   - limit: the most tokens.
    ///   - turn: where it is even a longer conversation is replayed from its beginning, else from its end.
    package init(_ record: ReplayRecord, limit: Int, turn: Int) {
        let all = record.prompt + record.reply
        let first = turn.isMultiple(of: 2) ? 0 : max(0, all.count - limit)
        let range = first..<min(all.count, first + limit)
        let start = record.prompt.count
        tokens = Array(all[range])
        replyStart = max(0, start - first)
        weights = range.map { index in
            let isOpening = (start..<start + Self.openingTokens).contains(index)
            return isOpening || index == all.count - 1 ? Self.openingWeight : 1
        }
    }
}
