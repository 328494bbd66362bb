import Benchmarks
import Checkpoints
import Engine
import Foundation
import Models
import Policies
import Support
import Tensors
import TestSupport
import Testing
import Tokenizers

@Suite struct BenchmarkTests {
    @Test(arguments: [([3], 3), ([4, 1, 2], 2), ([1, 9, 2, 4], 3)] as [([Double], Double)])
    func takesTheMedian(values: [Double], median: Double) {
        let measurement = BenchmarkMetric(name: "x", unit: "ms", values: values)
        #expect(measurement.median == median && measurement.repeats == values.count)
        #expect(measurement.lowest == values.min() && measurement.highest == values.max())
    }

    @Test func operationsAreCountedAPositionAtATime() {
        let sizes = DecoderConfiguration(
            layers: 30, hidden: 576, feedForward: 1_536, heads: 9, kvHeads: 3, headSize: 64, vocabulary: 49_152,
            contextLength: 8_192, ropeTheta: 1e5, normEpsilon: 1e-5)
        #expect(sizes.positionProducts == 106_168_320)
        #expect(sizes.operations(for: 0..<1, outputs: 0) == 2 * (106_168_320 + 2 * 576 * 30))
        let whole = sizes.operations(for: 0..<100, outputs: 1)
        let pieces = (0..<10).map { sizes.operations(for: 10 * $0..<10 * $0 + 10, outputs: $0 == 9 ? 1 : 0) }
        #expect(whole == pieces.reduce(0, +))
    }

    /// What shares are made of, by script.
    private func report(peaks: [(String, Double)], share: Double) -> BenchmarkReport {
        func metric(_ name: String, _ unit: String, _ value: Double) -> BenchmarkMetric {
            BenchmarkMetric(name: name, unit: unit, values: [value])
        }
        let peaks = peaks.map { metric($0.0, "GOP/s", $0.1) }
        let products = [metric("products", "GOP/s", share * 4), metric("products of the peak", "%", share)]
        return BenchmarkReport(
            instructionSet: "avx2", threads: 2, cache: "int16",
            measurements: [peaks[0]] + products + peaks.dropFirst())
    }

    @Test func sharesOfASteadyPeakAreThere() throws {
        for end in [400, 360.1, 439.9] {
            let report = report(peaks: [("peak", 400), ("peak at the end", end)], share: 100)
            #expect(report.warnings.isEmpty && report.measurements.count == 4)
            #expect(report.table.contains("products of the peak") && !report.table.contains("warning"))
        }
    }

    /// An unsteady machine, or a peak that is none: the shares would be wrong, so there are none.
    @Test(arguments: [(359.9, 50), (440.1, 50), (.nan, 50), (400, 100.1), (400, .nan)] as [(Double, Double)])
    func withoutASteadyPeakThereAreNoShares(end: Double, share: Double) throws {
        let report = report(peaks: [("peak", 400), ("peak at the end", end)], share: share)
        #expect(report.measurements.map(\.name) == ["peak", "products", "peak at the end"])
        #expect(report.warnings.count == 1)
        let lines = report.table.split(separator: "\n")
        #expect(lines.count == 6 && lines[5].hasPrefix("warning: no shares of peaks: "))
        #expect(!report.table.contains("products of the peak  "))
        guard end.isFinite, share.isFinite else { return }
        let json = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
        #expect(!json.contains(#""unit":"%""#) && json.contains("warnings"))
    }

    @Test func warningsNameWhatMoved() {
        let report = report(
            peaks: [("integer peak", 400), ("integer peak at the end", 300.04), ("other", 1)], share: 120)
        #expect(
            report.warnings == [
                "integer peak was 400.0 GOP/s at the start of the run and 300.0 at its end, more than 10 % apart; "
                    + "measure again while nothing else runs",
                "products of the peak would be 120.0 %: the peak was measured too low; "
                    + "measure again while nothing else runs",
            ])
    }

    /// Every metric is there, on a model too small for some of the default lengths.
    @Test func measuresATinyModel() async throws {
        let file = try TinyLlama.file(.q4_1)
        let decoder = try TransformerDecoder(file, compute: Compute(threads: 2))
        let tokenizer = Tokenizer(try Vocabulary(file))
        let engine = Engine(
            decoder: decoder, tokenizer: tokenizer, endTokens: [2], configuration: .init(contextLength: 256))
        var generator = SplitMix64(seed: 1, stream: 0)
        let adapter = LowRankAdapter(starting: decoder.configuration, rank: 4, alpha: 8, using: &generator)
        let policy = Policy(
            name: "sft", generation: 1,
            adapter: ServingAdapter(adapter, configuration: decoder.configuration, compute: decoder.compute),
            vision: nil, template: .chatml, sampling: .init(), created: 0)
        var settings = Benchmark.Settings()
        settings.patience = .zero
        settings.cachePrecision = .int8
        // Every work takes a second, so the peaks are steady and far above all else.
        settings.seconds = { _, work in
            work()
            return 1
        }
        let benchmark = try Benchmark(
            decoder: decoder, engine: engine, tokenizer: tokenizer, policy: policy, settings: settings)
        var told: [BenchmarkMetric] = []
        let report = try await benchmark.run { told.append($0) }
        let formats = decoder.compute.multipliesBFloat16 ? ["fp32", "bf16"] : ["fp32"]
        let products: [String] = formats.flatMap {
            ["\($0) peak", "\($0) training products", "\($0) training products of the peak"]
        }
        func withShare(_ names: [String], _ share: String) -> [String] {
            names.flatMap { [$0, "\($0) of the \(share)"] }
        }
        #expect(
            report.measurements.map(\.name) == ["integer peak", "memory read"]
                + withShare(["Q4_1 products"], "peak")
                + withShare(["prefill 128", "prefill 512"], "integer peak")
                + withShare(["decode at 0", "decode at 512"], "memory's rate")
                + withShare(["decode 8 streams at 0", "decode 32 streams at 0"], "integer peak")
                + ["prefill 128", "prefill 512", "decode at 0", "decode 8 streams at 0", "decode 32 streams at 0"]
                .map { $0 + " with an adapter" }
                + ["image encode", "first token of a picture question"] + products
                + ["integer peak at the end", "memory read at the end"] + formats.map { "\($0) peak at the end" })
        #expect(report.warnings.isEmpty)
        #expect(told == report.measurements && report.threads == 2 && report.cache == "int8")
        #expect(report.measurements.allSatisfy { $0.median > 0 && $0.median.isFinite })
        let json = try JSONEncoder().encode(report)
        #expect(try JSONDecoder().decode(BenchmarkReport.self, from: json) == report)
        #expect(report.table.split(separator: "\n").count == 2 + report.measurements.count)

        settings.contextLength = 256
        // By the system's clock, which need not find the peaks steady.
        settings.seconds = nil
        let shorter = try await Benchmark(
            decoder: decoder, engine: engine, tokenizer: tokenizer, policy: policy, settings: settings
        ).run()
        let left = report.measurements.filter { !$0.name.contains("512") }
        #expect(
            shorter.measurements.map(\.name)
                == left.filter { shorter.warnings.isEmpty || $0.unit != "%" }.map(\.name))

        settings.seconds = { name, work in
            work()
            return name == "memory read at the end" ? 2 : 1
        }
        let unsteady = try await Benchmark(
            decoder: decoder, engine: engine, tokenizer: tokenizer, policy: policy, settings: settings
        ).run()
        #expect(unsteady.measurements.map(\.name) == left.filter { $0.unit != "%" }.map(\.name))
        #expect(unsteady.warnings.count == 1 && unsteady.warnings.first?.hasPrefix("memory read was ") == true)
    }
}
