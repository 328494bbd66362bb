import ArgumentParser
import Benchmarks
import Checkpoints
import Engine
import Evaluation
import Foundation
import Policies
import Training

/// Measures this machine, or a server.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure the speed of prefill, decode, vision and training on this machine, in one process.",
        discussion:
            "With --against, measure a running server under load instead: apus, or any server that streams OpenAI's "
            + "chat completions.\n\nExample: apus bench --json bench.json")

    @OptionGroup var options: PolicyOptions

    @OptionGroup(title: "Load on a server") var load: LoadOptions

    @Option(help: "Maximum number of repeats per measurement. Default: \(Benchmark.Settings().repeats).")
    var repeats: Int?

    @Option(help: "Also write the metrics to this file.")
    var json: String?

    @Option(help: "Also plot the rates by length and depth, or by load, to this SVG file.")
    var plot: String?

    func validate() throws {
        guard let repeats else { return }
        if repeats < 1 { throw ValidationError("--repeats takes at least 1") }
        if load.against != nil { throw ValidationError("--repeats is of this machine, not of a load on a server") }
    }

    func run() async throws {
        if let server = load.against {
            let reports = try await load.run(against: server)
            try tell(reports)
            return
        }
        let model = try LoadedModel(options)
        var settings = Benchmark.Settings()
        settings.repeats = repeats ?? settings.repeats
        settings.contextLength = model.contextLength
        settings.cachePrecision = model.cachePrecision
        let benchmark = try Benchmark(
            decoder: model.decoder, engine: model.engine, tokenizer: model.tokenizer,
            policy: model.catalog.defaultPolicy, settings: settings)
        let progress = Console.current.progress("measuring this machine, which takes some minutes")
        let report = try await benchmark.run { progress($0.name) }
        try tell(report)
    }

    private func tell(_ report: BenchmarkReport) throws {
        say(report.table)
        if let json { try AtomicFile.write(json: report, to: json) }
        try draw(report.curves, title: "Tokens a second by length, depth and streams")
    }

    private func tell(_ reports: [LoadReport]) throws {
        say(LoadReport.table(reports))
        if let json { try AtomicFile.write(json: reports, to: json) }
        try draw(LoadReport.curves(reports), title: "Tokens a second and milliseconds by load")
    }

    private func draw(_ curves: [(name: String, points: [(x: Double, y: Double)])], title: String) throws {
        guard let plot else { return }
        let series = curves.map { LinePlot.Series(name: $0.name, points: $0.points) }
        try AtomicFile.write([UInt8](LinePlot(title: title, series: series).svg.utf8), to: plot)
    }
}

/// The load on a server.
struct LoadOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The server's address, like http://127.0.0.1:8080.", valueName: "url"))
    var against: String?

    @Option(
        help: ArgumentHelp(
            "Questions per second, with Poisson arrivals; numbers separated by commas.", valueName: "numbers"))
    var rate: String?

    @Option(
        help: ArgumentHelp(
            "Questions open at the same time; numbers separated by commas. Default: 1,4,16 without --rate.",
            valueName: "numbers"))
    var open: String?

    @Option(help: "Questions per load. Default: \(LoadProfile().requests).")
    var requests: Int?

    @Option(help: "The share of questions about an image, 0 to 1. Default: \(LoadProfile().imageShare).")
    var images: Double?

    @Option(help: "The side of an image in pixels. Default: \(LoadProfile().imageSide).")
    var side: Int?

    @Option(help: "Words per question. Default: \(LoadProfile().words).")
    var words: Int?

    @Option(help: "Tokens per answer. Default: \(LoadProfile().answerTokens).")
    var tokens: Int?

    @Option(help: "The policy to request, or another server's model. Default: sft.")
    var policy: String?

    @Option(help: "The random seed of questions and arrivals. Default: 0.")
    var loadSeed: UInt64?

    func validate() throws {
        let given: [(String, Any?)] = [
            ("--rate", rate), ("--open", open), ("--requests", requests), ("--images", images), ("--side", side),
            ("--words", words), ("--tokens", tokens), ("--policy", policy), ("--load-seed", loadSeed),
        ]
        if against == nil, let (name, _) = given.first(where: { $0.1 != nil }) {
            throw ValidationError("\(name) is of a load: name a server with --against")
        }
        let profile = profile
        guard (1...100_000).contains(profile.requests), (1...10_000).contains(profile.words),
            (1...10_000).contains(profile.answerTokens)
        else { throw ValidationError("--requests takes 1 to 100000, --words and --tokens 1 to 10000") }
        guard (0...1).contains(profile.imageShare) else { throw ValidationError("--images takes 0 to 1") }
        guard (8...2048).contains(profile.imageSide) else { throw ValidationError("--side takes 8 to 2048") }
        _ = try arrivals()
    }

    private var profile: LoadProfile {
        var profile = LoadProfile()
        profile.requests = requests ?? profile.requests
        profile.imageShare = images ?? profile.imageShare
        profile.imageSide = side ?? profile.imageSide
        profile.words = words ?? profile.words
        profile.answerTokens = tokens ?? profile.answerTokens
        profile.seed = loadSeed ?? 0
        return profile
    }

    /// Runs each load in turn, and returns a report for each.
    func run(against server: String) async throws -> [LoadReport] {
        var reports: [LoadReport] = []
        try await HTTPReplyClient.with(connections: 1) { try await $0.checkPresence(of: server) }
        for arrival in try arrivals() {
            var profile = profile
            profile.arrival = arrival
            // Each load has different questions, so nothing is cached.
            profile.seed &+= UInt64(reports.count)
            let (profileOfLoad, model) = (profile, policy ?? PolicyRole.sft.name)
            reports.append(
                try await HTTPReplyClient.with(connections: profile.requests) { client in
                    try await LoadBenchmark(client: client, server: server, model: model, profile: profileOfLoad).run()
                })
        }
        return reports
    }

    private func arrivals() throws -> [LoadProfile.Arrival] {
        let rates = try (rate ?? "").split(separator: ",").map { text in
            guard let rate = Double(text), rate > 0, rate <= 10_000 else {
                throw ValidationError("--rate takes numbers above 0, not \(text)")
            }
            return LoadProfile.Arrival.rate(rate)
        }
        let counts = try (open ?? (rate == nil ? "1,4,16" : "")).split(separator: ",").map { text in
            guard let count = Int(text), (1...1024).contains(count) else {
                throw ValidationError("--open takes 1 to 1024, not \(text)")
            }
            return LoadProfile.Arrival.open(count)
        }
        return counts + rates
    }
}
