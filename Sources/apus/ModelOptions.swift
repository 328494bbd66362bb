public import ArgumentParser
import Checkpoints
import Engine
import Foundation
import Models
import Policies
public import Tensors
import Tokenizers

/// The folder that `make` fills.
enum Cache {
    static var folder: String {
        let environment = ProcessInfo.processInfo.environment
        let cache =
            environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : $0 }
            ?? FileManager.default.homeDirectoryForCurrentUser.appendingPathComponent(".cache").path
        return "\(cache)/apus"
    }

    static var model: String { "\(folder)/SmolLM2-135M-Instruct.Q4_1.gguf" }

    static var easyVQA: String { "\(folder)/easy-vqa-1.0" }

    static var fonts: String { "\(folder)/fonts" }

    static var words: String { "\(folder)/words/american-english" }
}

/// The model that a command uses, and the number of threads.
struct ModelOptions: ParsableArguments {
    @Option(
        name: .customLong("model"),
        help: ArgumentHelp(
            "The base model: a GGUF file or a Hugging Face folder. Default: the file that `make build` fetches.",
            discussion:
                "`apus serve` takes more models as NAME=PATH: requests name their policies as NAME/POLICY.",
            valueName: "path"), completion: .file())
    var models = [Cache.model]

    /// The path of the first model.
    var model: String { models.first ?? Cache.model }

    @Option(
        help: ArgumentHelp(
            "How float weights are kept: q8_0, bf16 or f32. Default: q8_0 for a folder, f32 for a GGUF file.",
            discussion:
                "Quantised blocks of a GGUF file stay as they are. bf16 and f32 take two and four times the memory "
                + "of q8_0 and are slower."))
    var weights: WeightFormat?

    @Option(help: "Number of compute threads. Default: one per processor.")
    var threads: Int?

    func validate() throws {
        if let threads, !(1...256).contains(threads) { throw ValidationError("--threads takes 1 to 256") }
    }

    /// The kernels and threads for these options.
    func compute() throws -> Compute {
        try Compute(
            threads: threads ?? ProcessInfo.processInfo.activeProcessorCount,
            environment: ProcessInfo.processInfo.environment)
    }

    /// The model's files, read but for the weights.
    func checkpoint() throws -> ModelCheckpoint {
        guard models.count == 1 else {
            throw ValidationError("--model is given \(models.count) times; only `apus serve` takes more than one")
        }
        guard FileManager.default.fileExists(atPath: model) else {
            throw ValidationError("there is no model at \(model); `make build` fetches the base model")
        }
        return try ModelCheckpoint(path: model)
    }

    /// The form of the weights of `checkpoint` in memory.
    func precision(of checkpoint: ModelCheckpoint) -> TransformerDecoder.Precision {
        switch weights ?? (checkpoint.isFolder ? .q8_0 : .f32) {
        case .q8_0: .q8_0
        case .bf16: .bfloat16
        case .f32: .asStored
        }
    }

    /// How vision computes beside weights in this form.
    var visionArithmetic: VisionEncoder.Arithmetic {
        switch weights {
        case .f32: .floats(.float32)
        case .bf16: .floats(.bfloat16)
        case .q8_0, nil: .integers
        }
    }
}

/// The form of float weights in memory.
enum WeightFormat: String, ExpressibleByArgument, CaseIterable {
    case q8_0
    case bf16
    case f32
}

/// The policies that a command serves, and the options of its engine.
struct PolicyOptions: ParsableArguments {
    @OptionGroup(title: "Model and policies") var model: ModelOptions

    @OptionGroup(title: "Model and policies") private var shipped: PoliciesOption

    @OptionGroup(title: "Model and policies") private var data: DataFolderOption

    @OptionGroup(title: "Model and policies") private var choice: PolicyChoice

    @OptionGroup(title: "Engine") var engine: EngineOptions

    /// The folder of the policies that come with the program; empty if there is none.
    var policies: String { shipped.folder }

    /// The folder to write to; empty for none.
    var dataPath: String { data.dataPath }

    /// The policy that answers if a request names none; nil for the usual default.
    var defaultPolicy: String? { choice.defaultPolicy }

    /// The vision checkpoint of `base`.
    var vision: String? { choice.vision }

    var library: PolicyLibrary {
        PolicyLibrary(published: dataPath.isEmpty ? nil : "\(dataPath)/policies", shipped: policies)
    }

    /// Refuses the name of a policy that no folder has, before the model is loaded.
    func check(policy name: String?) throws {
        guard let name, name != PolicyRole.base.name else { return }
        try library.recover()
        guard try library.current()[name] == nil else { return }
        throw ValidationError("--policy: there is no policy \(name); `apus policy list` lists them")
    }
}

/// The default policy, and the vision checkpoint of the base model.
struct PolicyChoice: ParsableArguments {
    @Option(
        help: """
            The policy that answers if a request names none. Default: the first that exists of reader, ppo, sft and \
            base.
            """)
    var defaultPolicy: String?

    @Option(
        help: ArgumentHelp(
            "The vision of base: an Idefics3 or SmolVLM folder, or an mmproj GGUF file. Default: the model's own, or else "
                + "the default policy's.",
            valueName: "path"))
    var vision: String?
}

/// The options of the engine.
struct EngineOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Positions of one conversation, prompt and answer together. Default: the length that the model was trained "
                + "for, or what fits in the KV cache if that is less.",
            discussion:
                "Up to four times the trained length: YaRN stretches the positions, which changes answers a little.")
    )
    var contextLength: Int?

    @Option(
        help: ArgumentHelp(
            "The element type of the KV cache: int16, fp16, fp32 or int8.",
            discussion:
                "int8 needs half the memory and is a little less precise; fp16 needs the memory of int16 and is slower. "
                + "fp32 rounds nothing, in twice the memory: for comparisons with other implementations."
        ))
    var kvType = KVCache.Precision.int16

    @Option(
        help: ArgumentHelp(
            "Memory for the KV cache. Default: 2GiB, or what the container's memory limit leaves if that is less.",
            valueName: "size"))
    var kvMemory: MemorySize?

    @Option(help: "Maximum tokens guessed ahead by prompt lookup; 0 turns it off. Answers do not depend on it.")
    var draftTokens = 4

    @Option(help: "Maximum number of waiting requests.")
    var queueWaiting = 256

    func validate() throws {
        if let contextLength, contextLength < 16 { throw ValidationError("--context-length takes at least 16") }
        guard (0...64).contains(draftTokens) else { throw ValidationError("--draft-tokens takes 0 to 64") }
        guard (1...65_536).contains(queueWaiting) else { throw ValidationError("--queue-waiting takes 1 to 65536") }
    }
}

/// A loaded model with its policies and a running engine.
struct LoadedModel {
    let compute: Compute
    let decoder: TransformerDecoder
    let tokenizer: Tokenizer
    let policies: PolicyStore
    let engine: Engine
    let contextLength: Int
    /// The element type of the KV cache.
    let cachePrecision: KVCache.Precision
    /// SHA-256 of the base model's file.
    let backbone: String

    /// The catalog of the loaded policies.
    var catalog: PolicyCatalog { policies.catalog }

    /// Loads everything, and reports progress on standard error.
    ///
    /// - Parameters:
    ///   - name: the model's own name, for a server's second model and later ones. The default policy and the vision
    ///     of the options are the first model's.
    ///   - library: the policies; by default those of the options.
    ///   - prefixFile: the file in which the engine keeps its prefix cache; nil for none.
    init(
        _ options: PolicyOptions, name: String? = nil, library: PolicyLibrary? = nil, aliases: [String: String] = [:],
        prefixFile: String? = nil
    ) throws {
        let began = ContinuousClock.now
        compute = try options.model.compute()
        let checkpoint = try options.model.checkpoint()
        backbone = checkpoint.digest.sha256
        decoder = try TransformerDecoder(
            checkpoint.decoder, precision: options.model.precision(of: checkpoint),
            contextLength: options.engine.contextLength, compute: compute
        ) { share in Self.tell("loading the model: \(Int(share * 100)) %") }
        tokenizer = Tokenizer(checkpoint.vocabulary)
        let endTokens = tokenizer.vocabulary.endTokens
        guard !endTokens.isEmpty else {
            throw ValidationError("\(options.model.model) names no end token")
        }
        let library = library ?? options.library
        try library.recover()
        let base = try BaseModel(
            checkpoint, vision: name == nil ? options.vision : nil, arithmetic: options.model.visionArithmetic,
            decoder: decoder)
        let loader = PolicyLoader(
            decoder: decoder, base: base, library: library, model: name,
            preferred: name == nil ? options.defaultPolicy : nil, aliases: aliases)
        policies = try PolicyStore(loader)
        let others = try loader.ofOtherModels()
        cachePrecision = options.engine.kvType
        let (loaded, precision, trained) = (decoder, options.engine.kvType, decoder.configuration.contextLength)
        var configuration = EngineConfiguration(contextLength: trained)
        configuration.maximumWaiting = options.engine.queueWaiting
        configuration.draftTokens = options.engine.draftTokens
        configuration.cachePrecision = options.engine.kvType
        let budget = CacheBudget(
            limit: MemoryLimit.bytes, resident: MemoryLimit.residentBytes ?? 0,
            embeddings: configuration.embeddingBytes)
        (configuration.cacheBytes, configuration.contextLength) = try budget.sizes(
            asked: options.engine.kvMemory?.bytes, context: options.engine.contextLength, trained: trained
        ) { loaded.cacheBytes(for: $0, precision: precision) }
        contextLength = configuration.contextLength
        configuration.prefixFile = prefixFile
        engine = Engine(
            decoder: decoder, tokenizer: tokenizer, endTokens: endTokens, configuration: configuration,
            policies: policies.catalog.all)
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        let facts = [
            "\(compute.instructionSet.rawValue) kernels", "\(compute.threads) threads",
            "\(budget.resident >> 20) MiB resident, \(configuration.cacheBytes >> 20) MiB for keys and values",
            contextLength < trained
                ? "a context of \(contextLength) positions, of the \(trained) that the model was trained for"
                : "a context of \(contextLength) positions",
            "policies: \(policies.catalog.policies.map(\.requestName).joined(separator: ", "))",
            others.isEmpty ? nil : "not served, because of another base model: \(others.joined(separator: ", "))",
        ]
        let line = facts.compactMap { $0 }.joined(separator: ", ")
        Self.tell("loaded in \(String(format: "%.1f", seconds)) s: \(line)\n")
    }

    /// A terminal shows the progress; a file gets only the last line.
    private static func tell(_ text: String) {
        let console = Console.current
        if console.isInteractive { return console.error("\r" + text) }
        if text.hasSuffix("\n") { console.error(text) }
    }
}

extension KVCache.Precision: ExpressibleByArgument {}

/// A number of bytes in the form that people write: `512MiB`, `2GiB`, or plain bytes.
struct MemorySize: ExpressibleByArgument {
    let bytes: Int

    init(bytes: Int) {
        self.bytes = bytes
    }

    /// The default in the form in which people would write it.
    var defaultValueDescription: String {
        for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] where bytes % (1 << shift) == 0 {
            return "\(bytes >> shift)\(unit)"
        }
        return "\(bytes)"
    }

    init?(argument: String) {
        let digits = argument.prefix(while: \.isASCIIDigit)
        let units = ["": 0, "KiB": 10, "MiB": 20, "GiB": 30]
        guard let number = Int(digits), let shift = units[String(argument.dropFirst(digits.count))] else { return nil }
        let (bytes, overflows) = number.multipliedReportingOverflow(by: 1 << shift)
        guard !overflows, bytes > 0 else { return nil }
        self.bytes = bytes
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}
