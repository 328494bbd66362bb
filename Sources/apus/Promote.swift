import ArgumentParser
import Checkpoints
import Evaluation
import Foundation
import Training

/// Where policies are kept.
struct LibraryOptions: ParsableArguments {
    @Option(help: "The folder of the policies that come with the program.")
    var policies = "Deploy/policies"

    @Option(help: "The folder to publish into; what is there goes before what comes with the program.")
    var into = "data/policies"

    var library: PolicyLibrary { PolicyLibrary(published: into, shipped: policies) }
}

/// Publishes a run whose evaluation passes the gate.
struct Promote: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Publish a finished run if its evaluation reaches what a policy must reach.",
        discussion: "A running server takes it at SIGHUP, or by POST /v1/admin/policies.")

    @Argument(help: ArgumentHelp("The run folder.", valueName: "run"))
    var folder: String

    @OptionGroup var library: LibraryOptions

    @Option(help: "The policy's name.")
    var name = "sft"

    @Option(help: "What its training started from, like sft@2. Default: the base model.")
    var parent: String?

    @Option(help: "The evaluation's figures and the hashes of what was evaluated. Default: evaluation.json of the run.")
    var evaluation: String?

    func validate() throws {
        _ = try parentReference()
    }

    func run() throws {
        let run = try FinishedFineTuning(folder: folder)
        let evaluation = try PolicyEvaluation(path: evaluation ?? "\(folder)/evaluation.json")
        let failures = PolicyGate(for: name).failures(of: evaluation, adapter: run.adapter, backbone: run.backbone)
        guard failures.isEmpty else {
            for failure in failures { FileHandle.standardError.write(Data("\(failure)\n".utf8)) }
            throw ExitCode(1)
        }
        let library = library.library
        let generations = try library.generations()
        var publication = FinishedFineTuning.Publication(
            generation: (generations[name]?.last ?? 0) + 1,
            visionGeneration: try visionGeneration(of: run, among: generations["vision"] ?? [], in: library))
        publication.name = name
        publication.figures = evaluation.figures
        publication.parent = try parentReference()
        if let parent = publication.parent {
            _ = try library.open(parent.name, generation: parent.generation, backbone: run.backbone)
        }
        let published = try run.publish(publication, in: self.library.into)
        say("published \(published.policy.path), which sees with vision generation \(publication.visionGeneration)")
    }

    /// The generation that holds the run's vision model already, else the next one.
    private func visionGeneration(
        of run: FinishedFineTuning, among known: [Int], in library: PolicyLibrary
    ) throws -> Int {
        for generation in known {
            let there = try library.open("vision", generation: generation, backbone: run.backbone)
            if there.manifest.files.values.contains(run.vision) { return generation }
        }
        return (known.last ?? 0) + 1
    }

    private func parentReference() throws -> PolicyManifest.Reference? {
        guard let parent else { return nil }
        let parts = parent.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, PolicyManifest.isName(String(parts[0])), let generation = Int(parts[1]), generation > 0
        else { throw ValidationError("--parent takes a policy and its generation like sft@2, found \(parent)") }
        return PolicyManifest.Reference(name: String(parts[0]), generation: generation)
    }
}

/// Returns to an older generation.
struct Rollback: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve an older generation of a policy from the next start or SIGHUP on.")

    @Argument(help: "The policy.")
    var name: String

    @OptionGroup var library: LibraryOptions

    @Option(help: "The generation. Default: the one before the current one.")
    var generation: Int?

    func run() throws {
        let library = library.library
        guard let current = try library.current()[name] else {
            throw ValidationError("there is no policy \(name)")
        }
        let known = try library.generations()[name] ?? []
        guard let target = generation ?? known.last(where: { $0 < current }), known.contains(target) else {
            throw ValidationError(
                "there is no such generation of \(name); there are: \(known.map(String.init).joined(separator: ", "))")
        }
        try library.setCurrent(target, of: name)
        say("\(name): generation \(target) instead of \(current)")
    }
}

/// Lists the policies.
struct ListPolicies: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List policies and parts with their generations; the current one is marked.")

    @OptionGroup var library: LibraryOptions

    func run() throws {
        let library = library.library
        let current = try library.current()
        for (name, generations) in try library.generations().sorted(by: { $0.key < $1.key }) {
            let numbers = generations.map { $0 == current[name] ? "\($0)*" : "\($0)" }
            say("\(name): \(numbers.joined(separator: " "))")
        }
    }
}
