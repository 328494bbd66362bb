import Foundation

/// One metric of a benchmark: the middle of a few repeats, and how far they lay apart.
public struct BenchmarkMetric: Codable, Sendable, Equatable {
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
    /// Where it lies among others of its kind; nil if it stands alone.
    public var point: CurvePoint?

    /// A point of a curve.
    public struct CurvePoint: Codable, Sendable, Equatable {
        /// What the curve shows.
        public let curve: String
        /// Positions or streams.
        public let x: Int
    }

    /// The metric of `values`, of which there is at least one.
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

    /// The share in per cent of `roof` that this metric is once each of its things counts for `factor` of the roof's.
    func share(_ factor: Double, of roof: BenchmarkMetric, name: String) -> BenchmarkMetric {
        let scale = 100 * factor / roof.median
        return BenchmarkMetric(
            name: "\(self.name) \(name)", unit: "%", values: [lowest * scale, median * scale, highest * scale])
    }

    private enum CodingKeys: String, CodingKey {
        case name, unit, median, lowest, highest, repeats
        case point = "place"
    }
}

/// All metrics of a benchmark, and what they were measured on.
public struct BenchmarkReport: Codable, Sendable, Equatable {
    /// The instruction set whose kernels ran.
    public let instructionSet: String
    /// Threads that computed.
    public let threads: Int
    /// What keys and values were kept as.
    public let cache: String
    /// The metrics, in the order in which they were taken.
    public let measurements: [BenchmarkMetric]

    /// The rates by length, depth and number of streams, as curves for a plot.
    public var curves: [(name: String, points: [(x: Double, y: Double)])] {
        let placed = measurements.compactMap { metric in metric.point.map { ($0.curve, (Double($0.x), metric.median)) }
        }
        let names = placed.map(\.0).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        return names.map { name in (name, placed.filter { $0.0 == name }.map { (x: $0.1.0, y: $0.1.1) }) }
    }

    /// The metrics as a table under a line about the machine.
    public var table: String {
        let rows = measurements.map { one in
            [one.name] + [one.median, one.lowest, one.highest].map { String(format: "%.1f", $0) }
                + [one.unit, "\(one.repeats)"]
        }
        return "\(instructionSet) kernels, \(threads) threads, keys and values as \(cache)\n"
            + TextTable.text([["", "median", "lowest", "highest", "unit", "repeats"]] + rows)
    }
}
