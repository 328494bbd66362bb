import Foundation
package import Grammars
package import Policies
import Support
package import Tensors

/// Draws one token from a row of logits: penalties and bias, then temperature, top-k, top-p, min-p, then the draw.
package struct Sampler: Sendable {
    private let parameters: SamplingParameters
    private let random: SplitMix64.Indexed

    /// A sampler with the given parameters; their seed determines every draw.
    package init(_ parameters: SamplingParameters) {
        self.parameters = parameters
        self.random = SplitMix64.Indexed(seed: parameters.seed)
    }

    /// The tokens so far, on which penalties depend.
    package struct Context {
        /// The prompt's token ids.
        package var prompt: [Int32]
        /// The answer's token ids.
        package var generated: [Int32]
        /// Ids that must not be drawn: end tokens before the minimum length.
        package var banned: Set<Int32>
        /// The only ids that may be drawn, apart from `ending`; nil: all.
        package var mask: TokenMask?
        /// The end tokens that may be drawn although `mask` has none.
        package var ending: Set<Int32>

        /// A context of the given ids.
        package init(
            prompt: [Int32], generated: [Int32], banned: Set<Int32> = [], mask: TokenMask? = nil,
            ending: Set<Int32> = []
        ) {
            self.prompt = prompt
            self.generated = generated
            self.banned = banned
            self.mask = mask
            self.ending = ending
        }
    }

    /// The token at index `context.generated.count` of the answer.
    package func sample(_ logits: [Float], context: Context, on compute: Compute) -> Int32 {
        var logits = logits
        adjust(&logits, context)
        if parameters.temperature == 0 { return Self.argmax(logits) }
        let weights = TokenWeights(
            logits, temperature: parameters.temperature, minP: parameters.minP, on: compute)
        let share = random.uniform(at: context.generated.count)
        if parameters.topK == nil, parameters.topP == 1 { return Int32(weights.token(at: share) ?? 0) }
        let candidates = weights.mostLikely(parameters.topK, share: Double(parameters.topP))
        var left = share * candidates.reduce(0) { $0 + Double($1.weight) }
        let drawn = candidates.first { candidate in
            left -= Double(candidate.weight)
            return left < 0
        }
        // Rounding can leave a remainder after the last weight.
        return Int32((drawn ?? candidates.last)?.token ?? 0)
    }

    /// Log-probabilities under the full softmax: of `token`, and of the `count` most likely tokens.
    package static func logprobs(_ logits: [Float], token: Int32, top count: Int) -> GeneratedToken {
        let highest = logits.max() ?? 0
        var sum = 0.0
        for logit in logits { sum += Double(expf(logit - highest)) }
        let logSum = highest + Float(log(sum))
        // −∞ never leaves the engine: JSON cannot express it.
        func logprob(_ id: Int) -> Float { max(logits[id] - logSum, -9999) }
        let top = largest(count, of: logits).map { GeneratedToken.Alternative(id: Int32($0), logprob: logprob($0)) }
        return GeneratedToken(id: token, logprob: logprob(Int(token)), top: top)
    }

    private func adjust(_ logits: inout [Float], _ context: Context) {
        if parameters.repetitionPenalty != 1 {
            let penalty = parameters.repetitionPenalty
            for id in Set(context.prompt).union(context.generated) where logits.indices.contains(Int(id)) {
                logits[Int(id)] *= logits[Int(id)] > 0 ? 1 / penalty : penalty
            }
        }
        if parameters.presencePenalty != 0 || parameters.frequencyPenalty != 0 {
            var counts: [Int32: Int] = [:]
            for id in context.generated { counts[id, default: 0] += 1 }
            for (id, count) in counts {
                logits[Int(id)] -= parameters.presencePenalty + parameters.frequencyPenalty * Float(count)
            }
        }
        for (id, bias) in parameters.logitBias { logits[Int(id)] += bias }
        if let mask = context.mask { Self.apply(mask, sparing: context.ending, to: &logits) }
        for id in context.banned { logits[Int(id)] = -.infinity }
    }

    /// Leaves only the tokens of a mask, and those of `ending`.
    private static func apply(_ mask: TokenMask, sparing ending: Set<Int32>, to logits: inout [Float]) {
        let spared = ending.map { (Int($0), logits[Int($0)]) }
        for (word, allowed) in mask.words.enumerated() {
            let first = word << 6
            var left = ~allowed
            if logits.count - first < 64 { left &= 1 << UInt64(logits.count - first) - 1 }
            while left != 0 {
                logits[first + left.trailingZeroBitCount] = -.infinity
                left &= left - 1
            }
        }
        for (id, logit) in spared { logits[id] = logit }
    }

    private static func argmax(_ logits: [Float]) -> Int32 {
        var best = 0
        for id in logits.indices where logits[id] > logits[best] { best = id }
        return Int32(best)
    }

    /// The indices of all logits, largest first and ties by index.
    ///
    /// A radix sort in three passes takes a quarter of the time of comparisons.
    package static func descending(_ logits: [Float]) -> [Int] {
        let digits = 1 << 11
        var keys = [UInt64](repeating: 0, count: logits.count)
        // How many keys have which digit in each pass; then, where the next key with it goes.
        var places = [Int](repeating: 0, count: 3 * digits)
        for index in logits.indices {
            // Bits that increase while the logit decreases. Adding 0 makes -0 equal to 0.
            let bits = (logits[index] + 0).bitPattern
            let key = bits >> 31 == 1 ? bits : ~bits & 0x7FFF_FFFF
            keys[index] = UInt64(key) << 32 | UInt64(index)
            for pass in 0..<3 { places[pass * digits + Int(key >> (11 * pass)) % digits] += 1 }
        }
        var sorted = keys
        for pass in 0..<3 {
            var start = 0
            for digit in pass * digits..<(pass + 1) * digits {
                (places[digit], start) = (start, start + places[digit])
            }
            for key in keys {
                let digit = pass * digits + Int(key >> (32 + 11 * pass)) % digits
                sorted[places[digit]] = key
                places[digit] += 1
            }
            swap(&keys, &sorted)
        }
        return keys.map { Int($0 & 0xFFFF_FFFF) }
    }

    /// The indices of the `count` largest logits, largest first and ties by index.
    static func largest(_ count: Int, of logits: [Float]) -> [Int] {
        guard count > 0 else { return [] }
        func before(_ a: Int, _ b: Int) -> Bool { logits[a] > logits[b] || (logits[a] == logits[b] && a < b) }
        if count > 64 { return Array(descending(logits).prefix(count)) }
        var best: [Int] = []
        for id in logits.indices {
            if best.count == count, let last = best.last, !before(id, last) { continue }
            best.insert(id, at: best.firstIndex { before(id, $0) } ?? best.count)
            if best.count > count { best.removeLast() }
        }
        return best
    }
}
