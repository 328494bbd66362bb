import Evaluation
import Foundation

/// A server's latencies and throughput under a load.
public struct LoadReport: Codable, Sendable, Equatable {
    /// One answer.
    public struct Answer: Codable, Sendable, Equatable {
        /// Whether the question was about an image.
        public let hasImage: Bool
        /// Seconds from the question to each piece of text.
        public let pieces: [Double]
        /// The number of tokens by the server's count; the number of pieces if it does not count.
        public let tokens: Int
        /// Why the answer is incomplete; nil for a complete answer.
        public let failure: String?

        package init(hasImage: Bool, pieces: [Double], tokens: Int, failure: String?) {
            self.hasImage = hasImage
            self.pieces = pieces
            self.tokens = tokens
            self.failure = failure
        }

        private enum CodingKeys: String, CodingKey {
            case pieces, tokens, failure
            case hasImage = "hasPicture"
        }
    }

    /// Percentiles of a set of durations, in seconds.
    public struct Percentiles: Codable, Sendable, Equatable {
        /// The number of durations.
        public let count: Int
        /// The median.
        public let p50: Double
        /// The 95th percentile.
        public let p95: Double
        /// The 99th percentile.
        public let p99: Double

        /// Percentiles of `values` by nearest rank; 0 if there are none.
        package init(_ values: [Double]) {
            let sorted = values.sorted()
            func rank(_ share: Double) -> Double {
                sorted.isEmpty
                    ? 0 : sorted[min(sorted.count - 1, max(0, Int((share * Double(sorted.count)).rounded(.up)) - 1))]
            }
            (count, p50, p95, p99) = (sorted.count, rank(0.5), rank(0.95), rank(0.99))
        }
    }

    /// Questions per second; nil if a fixed number was open at any time.
    public let rate: Double?
    /// Questions open at any time; nil if they arrived at a rate.
    public let open: Int?
    /// From the first question to the last answer.
    public let seconds: Double
    /// Tokens of complete answers per second.
    public let tokensPerSecond: Double
    /// From a question without an image to the first piece of its answer.
    public let firstText: Percentiles
    /// From a question with an image to the first piece of its answer.
    public let firstImage: Percentiles
    /// Between the pieces of one answer.
    public let gaps: Percentiles
    /// The reasons of incomplete answers, with their counts.
    public let failures: [String: Int]
    /// All answers, in the order of their questions.
    public let answers: [Answer]

    package init(_ profile: LoadProfile, seconds: Double, answers: [Answer]) {
        rate = if case .rate(let rate) = profile.arrival { rate } else { nil }
        open = if case .open(let count) = profile.arrival { count } else { nil }
        self.seconds = seconds
        self.answers = answers
        let whole = answers.filter { $0.failure == nil }
        tokensPerSecond = seconds > 0 ? Double(whole.reduce(0) { $0 + $1.tokens }) / seconds : 0
        firstText = Percentiles(whole.filter { !$0.hasImage }.compactMap(\.pieces.first))
        firstImage = Percentiles(whole.filter(\.hasImage).compactMap(\.pieces.first))
        gaps = Percentiles(whole.flatMap { zip($0.pieces.dropFirst(), $0.pieces).map { $0 - $1 } })
        failures = Dictionary(answers.compactMap(\.failure).map { ($0, 1) }, uniquingKeysWith: +)
    }

    /// Curves for a plot, by the number of open questions or by their rate per second.
    public static func curves(_ reports: [LoadReport]) -> [(name: String, points: [(x: Double, y: Double)])] {
        func curve(_ name: String, _ value: (LoadReport) -> Double) -> (name: String, points: [(x: Double, y: Double)])
        {
            (name, reports.map { (x: $0.rate ?? Double($0.open ?? 0), y: value($0)) }.sorted { $0.x < $1.x })
        }
        return [
            curve("tokens/s") { $0.tokensPerSecond }, curve("first token p99, ms") { 1000 * $0.firstText.p99 },
            curve("gap p99, ms") { 1000 * $0.gaps.p99 },
        ]
    }

    private static func load(of report: LoadReport) -> String {
        report.open.map { "\($0) open" } ?? String(format: "%.2f a second", report.rate ?? 0)
    }

    /// A row for each report, times in milliseconds, then the reasons of failed answers.
    public static func table(_ reports: [LoadReport]) -> String {
        let header = [
            "load", "tokens/s", "first token, text p50", "p99", "with picture p50", "p99", "gap p50", "p99", "failed",
        ]
        func milliseconds(_ percentiles: Percentiles) -> [String] {
            percentiles.count == 0
                ? ["–", "–"] : [percentiles.p50, percentiles.p99].map { String(format: "%.1f", 1000 * $0) }
        }
        let rows = reports.map { report in
            return [load(of: report), String(format: "%.0f", report.tokensPerSecond)] + milliseconds(report.firstText)
                + milliseconds(report.firstImage) + milliseconds(report.gaps)
                + ["\(report.failures.values.reduce(0, +))"]
        }
        let reasons = reports.flatMap { report in
            report.failures.sorted { $0.key < $1.key }.map {
                "\n\($0.value) failed with \(load(of: report)): \($0.key)"
            }
        }
        return TextTable.text([header] + rows) + reasons.joined()
    }

    private enum CodingKeys: String, CodingKey {
        case rate, open, seconds, tokensPerSecond, firstText, gaps, failures, answers
        case firstImage = "firstPicture"
    }
}
