import Engine
import Synchronization

/// Counters and histograms of requests. Labels come from the code and the catalog only, so they are bounded.
final class ServerMetrics: Sendable {
    typealias Labels = [(name: String, value: String)]

    private struct State {
        var counters: [String: [String: Int]] = [:]
        var histograms: [String: [String: Histogram]] = [:]
    }

    private let state = Mutex(State())

    /// Adds to a counter.
    func add(_ family: MetricFamily, _ labels: Labels, _ amount: Int = 1) {
        let key = Self.text(labels)
        state.withLock { $0.counters[family.name, default: [:]][key, default: 0] += amount }
    }

    /// Counts a value in a histogram.
    func observe(_ family: MetricFamily, _ labels: Labels, _ value: Double) {
        guard case .histogram(let bounds) = family.kind else {
            preconditionFailure("\(family.name) is no histogram")
        }
        let key = Self.text(labels)
        state.withLock {
            $0.histograms[family.name, default: [:]][key, default: Histogram(bounds: bounds)].observe(value)
        }
    }

    /// Begins a series at zero, if it has not begun.
    func declare(_ family: MetricFamily, _ labels: Labels) {
        let key = Self.text(labels)
        state.withLock { state in
            switch family.kind {
            case .counter: state.counters[family.name, default: [:]][key, default: 0] += 0
            case .histogram(let bounds):
                let known = state.histograms[family.name]?[key]
                state.histograms[family.name, default: [:]][key] = known ?? Histogram(bounds: bounds)
            }
        }
    }

    /// The series of a counter.
    func counters(_ family: MetricFamily) -> [(labels: String, value: Int)] {
        state.withLock { $0.counters[family.name] ?? [:] }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// The series of a histogram.
    func histograms(_ family: MetricFamily) -> [(labels: String, value: Histogram)] {
        state.withLock { $0.histograms[family.name] ?? [:] }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
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
