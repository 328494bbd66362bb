package import Tensors

/// The weights of all tokens of a vocabulary, relative to the greatest one. Sums of parts are kept, so a draw looks at
/// one part only.
package struct TokenWeights {
    private static let part = 512

    private let values: [Float]
    /// The sum of each part.
    private let sums: [Double]
    private let total: Double

    /// exp((logit - highest) / temperature) for each logit.
    ///
    /// - Parameters:
    ///   - temperature: more than 0.
    ///   - minP: the least weight; lower ones become 0.
    package init(_ logits: [Float], temperature: Float, minP: Float, on compute: Compute) {
        var values = logits
        compute.weights(&values, highest: logits.max() ?? 0, temperature: temperature)
        if minP > 0 {
            for index in values.indices where values[index] < minP { values[index] = 0 }
        }
        self.values = values
        sums = stride(from: 0, to: values.count, by: Self.part).map { first in
            Self.sum(of: values[first..<min(values.count, first + Self.part)])
        }
        total = sums.reduce(0, +)
    }

    /// The sum in four rows, which a processor adds side by side.
    private static func sum(of values: ArraySlice<Float>) -> Double {
        var sums = SIMD4<Double>()
        var index = values.startIndex
        while index + 4 <= values.endIndex {
            sums += SIMD4(
                Double(values[index]), Double(values[index + 1]), Double(values[index + 2]), Double(values[index + 3]))
            index += 4
        }
        return sums.sum() + values[index...].reduce(0) { $0 + Double($1) }
    }

    /// The token at a share of the sum of all weights, from 0 to below 1; nil if no weight is above 0.
    package func token(at share: Double) -> Int? {
        var left = share * total
        let last = sums.lastIndex { $0 > 0 }
        for (part, sum) in sums.enumerated() where sum > 0 {
            if left >= sum, part != last {
                left -= sum
                continue
            }
            let range = part * Self.part..<min(values.count, (part + 1) * Self.part)
            for index in range {
                left -= Double(values[index])
                if left < 0 { return index }
            }
            // Rounding can leave a remainder after the last weight.
            return range.last { values[$0] > 0 }
        }
        return nil
    }

    /// The tokens with the greatest weights, the greatest first and ties by id: of the first `count` (nil: of all) as
    /// many as it takes to reach `share` of their sum (Holtzman et al. 2020, "The Curious Case of Neural Text
    /// Degeneration", §3.1).
    package func mostLikely(_ count: Int?, share: Double) -> [(token: Int, weight: Float)] {
        let tokens = count.map { Sampler.largest($0, of: values) } ?? sorted(share: share)
        let enough = share * (count == nil ? total : tokens.reduce(0) { $0 + Double(values[$1]) })
        var sum = 0.0
        let last = tokens.firstIndex { token in
            sum += Double(values[token])
            return sum >= enough
        }
        return tokens.prefix((last ?? tokens.count) + 1).filter { values[$0] > 0 }.map { ($0, values[$0]) }
    }

    /// Tokens with the greatest weights, sorted, which have at least `share` of the sum. Few tokens have most of it:
    /// only weights above a bound are sorted, and the bound falls until they suffice.
    private func sorted(share: Double) -> [Int] {
        var bound: Float = 1 / 64
        while true {
            let found = values.indices.filter { values[$0] >= bound }
            if bound == 0 || found.reduce(0, { $0 + Double(values[$1]) }) >= share * total {
                return Sampler.descending(found.map { values[$0] }).map { found[$0] }
            }
            bound = bound < 1e-12 ? 0 : bound / 16
        }
    }
}
