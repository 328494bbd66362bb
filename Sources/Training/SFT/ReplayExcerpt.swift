package import Datasets

/// The excerpt of a conversation that one step replays: a bounded number of tokens, with a weight for each prediction.
///
/// A longer conversation is replayed alternately from its beginning and from its end, so that training sees both how a
/// reply begins and that it ends. A reply's first tokens steer the rest of it, and its end token decides whether it
/// ends at all: both have several times the weight.
package struct ReplayExcerpt {
    /// The tokens, starting with the prompt's.
    package let tokens: [Int32]
    /// The index in `tokens` where the reply begins.
    package let replyStart: Int
    /// The weight of each token's prediction.
    package let weights: [Float]

    private static let openingTokens = 8
    private static let openingWeight: Float = 4

    /// An excerpt of `record`.
    ///
    /// - Parameters:
    ///   - limit: upper bound on the tokens.
    ///   - turn: an even turn replays a longer conversation from its beginning, an odd turn from its end.
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
