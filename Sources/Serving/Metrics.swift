import Synchronization

/// Counters and histograms of requests. Names and labels come from the code and the catalog only, so they are bounded.
final class Metrics: Sendable {
    typealias Labels = [(name: String, value: String)]

    struct Histogram {
        /// Upper bounds in seconds, for tokens as well as for whole requests.
        static let bounds = [
            0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
        ]
        var counts = Array(repeating: 0, count: bounds.count)
        var count = 0
        var sum = 0.0

        mutating func observe(_ value: Double) {
            count += 1
            sum += value
            if let place = Self.bounds.firstIndex(where: { value <= $0 }) { counts[place] += 1 }
        }
    }

    private struct State {
        var counters: [String: [String: Int]] = [:]
        var histograms: [String: [String: Histogram]] = [:]
    }

    private let state = Mutex(State())

    /// Adds to a counter.
    func add(_ family: String, _ labels: Labels, _ amount: Int = 1) {
        let key = Self.text(labels)
        state.withLock { $0.counters[family, default: [:]][key, default: 0] += amount }
    }

    /// Counts a duration in seconds.
    func observe(_ family: String, _ labels: Labels, _ value: Double) {
        let key = Self.text(labels)
        state.withLock { $0.histograms[family, default: [:]][key, default: Histogram()].observe(value) }
    }

    /// The series of one counter.
    func counters(_ family: String) -> [(labels: String, value: Int)] {
        state.withLock { $0.counters[family] ?? [:] }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// The series of one histogram.
    func histograms(_ family: String) -> [(labels: String, value: Histogram)] {
        state.withLock { $0.histograms[family] ?? [:] }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// `a="x",b="y"`, escaped as the text format wants it.
    static func text(_ labels: Labels) -> String {
        labels.map { label in
            let value = label.value.map { character -> String in
                switch character {
                case "\\": "\\\\"
                case "\"": "\\\""
                case "\n": "\\n"
                default: String(character)
                }
            }.joined()
            return "\(label.name)=\"\(value)\""
        }.joined(separator: ",")
    }
}
