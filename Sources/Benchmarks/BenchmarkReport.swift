import Evaluation
import Foundation

/// One metric of a benchmark: the median of a few repeats, and their range.
public struct BenchmarkMetric: Codable, Sendable, Equatable {
    /// What was measured.
    public let name: String
    /// Its unit.
    public let unit: String
    /// The median of the repeats.
    public let median: Double
    /// The smallest value.
    public let lowest: Double
    /// The largest value.
    public let highest: Double
    /// The number of repeats.
    public let repeats: Int
    /// The metric's point on a curve; nil if it belongs to none.
    public var point: CurvePoint?

    /// A point of a curve.
    public struct CurvePoint: Codable, Sendable, Equatable {
        /// The curve's name.
        public let curve: String
        /// The number of positions or streams.
        public let x: Int
    }

    /// The metric of `values`, which must not be empty.
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

    /// This metric as a share of `roof`, in per cent: each unit of the metric costs `factor` units of the roof's.
    func share(_ factor: Double, of roof: BenchmarkMetric, name: String) -> BenchmarkMetric {
        let scale = 100 * factor / roof.median
        return BenchmarkMetric(
            name: "\(self.name) \(name)", unit: "%", values: [lowest * scale, median * scale, highest * scale])
    }

    /// Whether it is a share of a peak.
    var isShare: Bool { unit == "%" }

    private enum CodingKeys: String, CodingKey {
        case name, unit, median, lowest, highest, repeats
        case point = "place"
    }
}

/// All metrics of a benchmark, and the setup that they were measured on.
public struct BenchmarkReport: Codable, Sendable, Equatable {
    /// The instruction set whose kernels ran.
    public let instructionSet: String
    /// The number of compute threads.
    public let threads: Int
    /// The format of keys and values.
    public let cache: String
    /// The metrics, in the order of their measurement.
    public let measurements: [BenchmarkMetric]
    /// Why there are no shares of peaks, a sentence each; none if the shares are there.
    public let warnings: [String]

    /// Suffix of the names of the peaks that are measured again at the end.
    static let endSuffix = " at the end"
    /// The largest relative change of a peak during a run.
    private static let tolerance = 0.1

    /// A report of `measurements`. It leaves out all shares if one exceeds 100 %, or if a peak changed by more than 10
    /// % during the run: then other work ran on the machine, or its clock changed, and the shares mean nothing.
    package init(instructionSet: String, threads: Int, cache: String, measurements: [BenchmarkMetric]) {
        self.instructionSet = instructionSet
        self.threads = threads
        self.cache = cache
        warnings = Self.moved(measurements) + Self.tooHigh(measurements)
        self.measurements = warnings.isEmpty ? measurements : measurements.filter { !$0.isShare }
    }

    private static func moved(_ measurements: [BenchmarkMetric]) -> [String] {
        measurements.compactMap { end in
            guard end.name.hasSuffix(endSuffix),
                let start = measurements.first(where: { $0.name + endSuffix == end.name }),
                // NaN counts as a change.
                !(abs(end.median / start.median - 1) <= tolerance)
            else { return nil }
            return "\(start.name) was \(text(start.median)) \(start.unit) at the start of the run and "
                + "\(text(end.median)) at its end, more than 10 % apart; measure again while nothing else runs"
        }
    }

    private static func tooHigh(_ measurements: [BenchmarkMetric]) -> [String] {
        measurements.filter { $0.isShare && !($0.median <= 100) }.map { share in
            "\(share.name) would be \(text(share.median)) %: the peak was measured too low; "
                + "measure again while nothing else runs"
        }
    }

    private static func text(_ number: Double) -> String { String(format: "%.1f", number) }

    /// The rates as curves for a plot: by length, by depth and by number of streams.
    public var curves: [(name: String, points: [(x: Double, y: Double)])] {
        let placed = measurements.compactMap { metric in metric.point.map { ($0.curve, (Double($0.x), metric.median)) }
        }
        let names = placed.map(\.0).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        return names.map { name in (name, placed.filter { $0.0 == name }.map { (x: $0.1.0, y: $0.1.1) }) }
    }

    /// The metrics as a table below a line about the machine, followed by the warnings.
    public var table: String {
        let rows = measurements.map { one in
            [one.name] + [one.median, one.lowest, one.highest].map(Self.text)
                + [one.unit, "\(one.repeats)"]
        }
        return "\(instructionSet) kernels, \(threads) threads, keys and values as \(cache)\n"
            + TextTable.text([["", "median", "lowest", "highest", "unit", "repeats"]] + rows)
            + warnings.map { "\nwarning: no shares of peaks: \($0)" }.joined()
    }
}
