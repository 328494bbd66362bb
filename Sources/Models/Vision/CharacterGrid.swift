import Foundation

/// The probabilities of characters in the columns of an image's patches, and the characters that they make.
///
/// A character whose middle is near the border of two columns or rows has a share of its probability in both. Neither
/// may reach a half, so the shares of neighbours are added before a character is taken or left.
package struct CharacterGrid {
    /// A character's probability in a column.
    private struct Share {
        let number: UInt8
        var probability: Float
    }

    private let rows: Int
    private let columns: Int
    private let width: Float
    private let height: Float
    /// The characters that each column may have, columns row by row.
    private var shares: [[Share]]

    /// The least probability with which a character is taken.
    private static let threshold: Float = 0.4
    /// Smaller probabilities are left out.
    private static let leastShare: Float = 0.03

    /// A grid without characters, for an image of so many patches.
    package init(rows: Int, columns: Int, patch: Int) {
        self.rows = rows
        self.columns = columns * CharacterClass.columnsPerPatch
        width = Float(patch) / Float(CharacterClass.columnsPerPatch)
        height = Float(patch)
        shares = Array(repeating: [], count: rows * columns * CharacterClass.columnsPerPatch)
    }

    /// Sets the given rows and columns of patches.
    ///
    /// - Parameters:
    ///   - row: The image's row of patches that is the first in `logits`.
    ///   - column: The image's column of patches that is the first in `logits`.
    ///   - across: Patches in a row of `logits`.
    package mutating func fill(
        rows: Range<Int>, columns: Range<Int>, row: Int, column: Int, across: Int, logits: [Float]
    ) {
        let (count, parts) = (CharacterClass.count, CharacterClass.columnsPerPatch)
        for y in rows {
            for x in columns {
                for part in 0..<parts {
                    let start = (((y - row) * across + x - column) * parts + part) * count
                    shares[y * self.columns + x * parts + part] = Self.shares(logits[start..<start + count])
                }
            }
        }
    }

    /// The softmax of a column's logits, without small probabilities and without that of no character.
    private static func shares(_ logits: ArraySlice<Float>) -> [Share] {
        let most = logits.max() ?? 0
        let sum = logits.reduce(Float(0)) { $0 + exp($1 - most) }
        return logits.dropFirst().enumerated().compactMap { index, logit in
            let probability = exp(logit - most) / sum
            return probability < leastShare ? nil : Share(number: UInt8(index), probability: probability)
        }
    }

    /// The characters, the surest ones first.
    package func characters() -> [ReadCharacter] {
        var left = shares
        func presence(_ cell: Int) -> Float { left[cell].reduce(0) { $0 + $1.probability } }
        let order = left.indices.filter { !left[$0].isEmpty }
            .map { (cell: $0, presence: presence($0)) }
            .sorted { ($0.presence, $1.cell) > ($1.presence, $0.cell) }
        var found: [ReadCharacter] = []
        for (cell, _) in order {
            guard let taken = Self.take(cell, of: left, neighbours: neighbours(of: cell)) else { continue }
            for (part, factor) in taken.factors {
                for index in left[part].indices { left[part][index].probability *= 1 - factor }
            }
            found.append(
                ReadCharacter(
                    scalar: CharacterClass.scalars[taken.number],
                    x: (mean(taken.weights) { Float($0 % columns) } + 0.5) * width,
                    y: (mean(taken.weights) { Float($0 / columns) } + 0.5) * height))
        }
        return found
    }

    private func mean(_ weights: [(cell: Int, weight: Float)], _ value: (Int) -> Float) -> Float {
        weights.reduce(0) { $0 + $1.weight * value($1.cell) } / weights.reduce(0) { $0 + $1.weight }
    }

    /// The columns beside a column, then the rows above and below, then the corners.
    private func neighbours(of cell: Int) -> [Int] {
        let (row, column) = cell.quotientAndRemainder(dividingBy: columns)
        let steps = [(0, -1), (0, 1), (-1, 0), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)]
        return steps.compactMap { down, across in
            let (y, x) = (row + down, column + across)
            return (0..<rows).contains(y) && (0..<columns).contains(x) ? y * columns + x : nil
        }
    }

    /// A character with its middle near a column.
    private struct Taken {
        let number: Int
        /// The shares that the columns have in it.
        let weights: [(cell: Int, weight: Float)]
        /// The part of each column's probabilities that is used up.
        let factors: [(cell: Int, factor: Float)]
    }

    /// The character at `cell`, whose missing probability comes from the same characters beside it; nil if that is not
    /// enough.
    private static func take(_ cell: Int, of left: [[Share]], neighbours: [Int]) -> Taken? {
        var sum = left[cell].reduce(Float(0)) { $0 + $1.probability }
        guard sum > 0 else { return nil }
        var totals: [UInt8: Float] = [:]
        for share in left[cell] { totals[share.number, default: 0] += share.probability }
        let known = Set(totals.keys)
        var weights = [(cell: cell, weight: sum)]
        var factors = [(cell: cell, factor: Float(1))]
        for neighbour in neighbours where sum < 1 {
            let same = left[neighbour].filter { known.contains($0.number) }
            let there = same.reduce(Float(0)) { $0 + $1.probability }
            guard there > 0 else { continue }
            let part = min(1, (1 - sum) / there)
            for share in same { totals[share.number, default: 0] += share.probability * part }
            weights.append((neighbour, there * part))
            factors.append((neighbour, part * there / left[neighbour].reduce(0) { $0 + $1.probability }))
            sum += there * part
        }
        guard sum >= threshold,
            let best = totals.max(by: { ($0.value, $1.key) < ($1.value, $0.key) })
        else { return nil }
        return Taken(number: Int(best.key), weights: weights, factors: factors)
    }
}
