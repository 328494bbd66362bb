import Foundation

/// How often a policy found one fact in a long context.
public struct NeedleReport: Codable, Sendable, Equatable {
    /// Haystacks of one size, the needle at one depth.
    public struct Cell: Codable, Sendable, Equatable {
        /// The unit of the size: `tokens` or `pictures`.
        public let hay: String
        /// The size of the haystacks.
        public let size: Int
        /// The share of the haystack before the needle.
        public let depth: Double
        /// Positions of a prompt, on average.
        public let positions: Int
        /// The share of answers with the right word.
        public let found: Proportion
    }

    /// The policy's name.
    public let policy: String
    /// Its generation.
    public let generation: Int
    /// All sizes and depths.
    public let cells: [Cell]

    /// A row for each size, a column for each depth.
    public var table: String {
        let depths = cells.reduce(into: [Double]()) { if !$0.contains($1.depth) { $0.append($1.depth) } }
        let sizes = cells.reduce(into: [String]()) { if !$0.contains($1.label) { $0.append($1.label) } }
        let rows = sizes.map { size in
            let row = cells.filter { $0.label == size }
            return [size, "\(row.map(\.positions).max() ?? 0)"] + row.map { "\($0.found.count) of \($0.found.total)" }
        }
        let header = ["", "positions"] + depths.map { String(format: "at %.0f %%", 100 * $0) }
        return "\(policy) generation \(generation)\n" + TextTable.text([header] + rows)
    }
}

extension NeedleReport.Cell {
    fileprivate var label: String { "\(size) \(hay)" }
}
