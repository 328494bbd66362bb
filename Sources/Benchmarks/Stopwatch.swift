/// Repeats work and measures its time.
struct Stopwatch: Sendable {
    /// Upper bound on the repeats of one measurement.
    var repeats: Int
    /// No repeat begins once a measurement has taken this long.
    var patience: Duration

    /// Does the work of the measurement `name` and returns its seconds.
    private let seconds: @Sendable (_ name: String, _ work: () -> Void) -> Double
    private let clock = ContinuousClock()

    /// - Parameter seconds: times the work; nil uses the system's clock.
    init(
        repeats: Int, patience: Duration, seconds: (@Sendable (_ name: String, _ work: () -> Void) -> Double)? = nil
    ) {
        self.repeats = repeats
        self.patience = patience
        self.seconds = seconds ?? { _, work in ContinuousClock().measure(work) / .seconds(1) }
    }

    /// The rate of `count` tokens per repeat, in tokens per second, as the point `x` of a curve.
    func rate(_ name: String, count: Int, on curve: String, at x: Int, _ work: () -> Void) -> BenchmarkMetric {
        let seconds = times(name, work)
        var metric = BenchmarkMetric(name: name, unit: "tokens/s", values: seconds.map { Double(count) / $0 })
        metric.point = .init(curve: curve, x: x)
        return metric
    }

    /// The duration of one repeat in milliseconds.
    func milliseconds(_ name: String, _ work: () -> Void) -> BenchmarkMetric {
        BenchmarkMetric(name: name, unit: "ms", values: times(name, work).map { 1_000 * $0 })
    }

    /// The rate in 10⁹ operations per second; `work` returns the number of operations that it did.
    func operations(_ name: String, _ work: () -> Int) -> BenchmarkMetric {
        var operations = 0
        let seconds = times(name) { operations = work() }
        return BenchmarkMetric(name: name, unit: "GOP/s", values: seconds.map { Double(operations) / $0 / 1e9 })
    }

    /// The rate in 10⁹ bytes per second; `work` reads `count` bytes.
    func gigabytes(_ name: String, count: Int, _ work: () -> Void) -> BenchmarkMetric {
        BenchmarkMetric(name: name, unit: "GB/s", values: times(name, work).map { Double(count) / $0 / 1e9 })
    }

    private func times(_ name: String, _ work: () -> Void) -> [Double] {
        let began = clock.now
        var times: [Double] = []
        repeat {
            times.append(seconds(name, work))
        } while times.count < repeats
            && clock.now - began < patience
        return times
    }
}
