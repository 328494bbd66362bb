import ArgumentParser
import Foundation
import Policies
import Promotion
import Training

/// The folders of the policies.
struct LibraryOptions: ParsableArguments {
    @OptionGroup private var shipped: PoliciesOption

    @Option(help: "The folder to publish into. Its policies take precedence over those that come with the program.")
    var into = "data/policies"

    /// The policies, after recovery from a command that was killed: its unfinished change is completed or undone.
    func recovered() throws -> PolicyLibrary {
        let library = PolicyLibrary(published: into, shipped: shipped.folder)
        try library.recover()
        return library
    }
}

/// The rules that a policy must meet.
struct RulesOption: ParsableArguments {
    @Option(
        name: .customLong("rules"),
        help: ArgumentHelp(
            "A JSON file with the rules that a policy's metrics must meet.",
            discussion: "Default: Deploy/policy-rules.json in the working folder, or beside or above the executable.",
            valueName: "file"))
    var given: String?

    private static let standard = "Deploy/policy-rules.json"

    /// The rules in the file.
    func rules() throws -> PolicyRules { try Self.rules(at: given, standard: Self.standard) }

    /// The rules in the file `given`, or in the file `standard` that comes with the program.
    static func rules(at given: String?, standard: String) throws -> PolicyRules {
        let path = given ?? Installation.path(standard)
        guard given != nil || FileManager.default.fileExists(atPath: path) else {
            throw ValidationError(
                "there is no file \(standard), neither here nor beside or above the executable; name it with "
                    + "--rules")
        }
        return try PolicyRules(path: path)
    }
}

/// A policy as people name it, with or without a generation: `sft` or `sft@7`.
struct PolicyName {
    let name: String
    let generation: Int?

    /// Nil if the text is neither form.
    init?(_ text: String) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count <= 2, PolicyManifest.isName(String(parts[0])) else { return nil }
        name = String(parts[0])
        generation = parts.count == 2 ? Int(parts[1]) : nil
        guard parts.count == 1 || generation ?? 0 > 0 else { return nil }
    }
}

/// Throws for names that no request could use for a policy.
func checkIsFree(_ name: String) throws {
    guard PolicyRole.isFree(name) else { throw ValidationError("--name \(name): a policy cannot be called that") }
}

/// Publishes a run whose evaluation passes the gate.
struct Promote: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Publish a finished run of `train sft`, `ppo`, `dpo` or `kto` if its evaluation by `apus eval policy` meets "
            + "the rules.",
        discussion: """
            The rules are in Deploy/policy-rules.json, or in the file of --rules. Each rule is printed with its verdict; \
            if one fails, nothing is published. A running server loads the policy at \
            SIGHUP, or by POST /v1/admin/policies. The last three generations are kept, and the generations that they \
            depend on.

            Example: apus policy promote runs/ppo
            """)

    @Argument(help: ArgumentHelp("The run folder.", valueName: "run"))
    var folder: String

    @OptionGroup var library: LibraryOptions

    @OptionGroup var rules: RulesOption

    @Option(help: "The policy's name. Default: sft, ppo, dpo or kto, by its training.")
    var name: String?

    @Option(
        help: "The policy that fine-tuning started from, like sft@2. Default: the one that the run recorded.")
    var parent: String?

    func validate() throws {
        _ = try parentReference()
        if let name { try checkIsFree(name) }
    }

    func run() throws {
        let rules = try rules.rules()
        let run = try PolicyRun(folder: folder)
        let library = try library.recovered()
        if parent != nil, run.stage != .sft { throw ValidationError("only a run of `train sft` takes --parent") }
        let promotion = PolicyPromotion(run, folder: folder, by: rules, in: library)
        let verdict = try promotion.verdict()
        for line in verdict.lines { verdict.passes ? say(line) : Console.current.error(line + "\n") }
        guard verdict.passes else { throw ExitCode(1) }
        switch try promotion.promote(as: name, parent: parentReference()) {
        case .refused(let failures):
            for failure in failures { Console.current.error(failure + "\n") }
            throw ExitCode(1)
        case .published(let published, let removed):
            let vision = published.manifest.vision.map { ", which sees with generation \($0.generation) of \($0.name)" }
            say("published \(published.path)\(vision ?? "")")
            for old in removed { say("removed generation \(old.generation) of \(old.name)") }
        }
    }

    private func parentReference() throws -> PolicyManifest.Reference? {
        guard let parent else { return nil }
        guard let named = PolicyName(parent), let generation = named.generation else {
            throw ValidationError("--parent takes a policy and its generation like sft@2, found \(parent)")
        }
        return PolicyManifest.Reference(name: named.name, generation: generation)
    }
}

/// Returns to an older generation.
struct Rollback: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve an older generation of a policy after the next start or SIGHUP.",
        discussion: "Example: apus policy rollback sft")

    @Argument(help: "The policy.")
    var name: String

    @OptionGroup var library: LibraryOptions

    @Option(help: "The generation. Default: the one before the current one.")
    var generation: Int?

    func run() throws {
        let library = try library.recovered()
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
        commandName: "list", abstract: "List policies and parts with their generations; the current one is marked.",
        discussion: "Example: apus policy list")

    @OptionGroup var library: LibraryOptions

    func run() throws {
        let library = try library.recovered()
        let current = try library.current()
        for (name, generations) in try library.generations().sorted(by: { $0.key < $1.key }) {
            let numbers = generations.map { $0 == current[name] ? "\($0)*" : "\($0)" }
            say("\(name): \(numbers.joined(separator: " "))")
        }
    }
}
