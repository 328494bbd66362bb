import Foundation

/// One figure of a benchmark: the middle of a few repeats, and how far they lay apart.
public struct BenchmarkFigure: Codable, Sendable, Equatable {
    /// What was measured.
    public let name: String
    /// Its unit.
    public let unit: String
    /// The median of the repeats.
    public let median: Double
    /// The least.
    public let lowest: Double
    /// The greatest.
    public let highest: Double
    /// How many repeats there were.
    public let repeats: Int

    /// The figure of `values`, of which there is at least one.
    public init(name: String, unit: String, values: [Double]) {
        precondition(!values.isEmpty)
        let sorted = values.sorted()
        let middle = sorted.count / 2
        self.name = name
        self.unit = unit
        median = sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
        lowest = sorted[0]
        highest = sorted[sorted.count - 1]
        repeats = sorted.count
    }
}

/// All figures of a benchmark, and what they were measured on.
public struct BenchmarkReport: Codable, Sendable, Equatable {
    /// The instruction set whose kernels ran.
    public let instructionSet: String
    /// Threads that computed.
    public let threads: Int
    /// The figures, in the order in which they were taken.
    public let measurements: [BenchmarkFigure]

    /// The figures as a table under a line about the machine.
    public var table: String {
        let rows = measurements.map { one in
            [one.name] + [one.median, one.lowest, one.highest].map { String(format: "%.1f", $0) }
                + [one.unit, "\(one.repeats)"]
        }
        return "\(instructionSet) kernels, \(threads) threads\n"
            + TextTable.text([["", "median", "lowest", "highest", "unit", "repeats"]] + rows)
    }
}
