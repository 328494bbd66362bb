public import Engine
public import Policies

/// A loaded model with its engine and its policies.
public struct ServedModel: Sendable {
    /// Computes answers.
    public let engine: any InferenceEngine
    /// The policies that answer.
    public let policies: PolicyStore
    /// Builds requests with the model's tokenizer.
    public let processor: InputProcessor
    /// Its own name, which begins the names of its policies; nil for the first model of a server.
    public var name: String?
    /// Compiles the forms that answers must have.
    let grammars: GrammarCache
    /// Positions of one context, prompt and answer together.
    public var contextLength: Int
    /// The instruction set of the kernels.
    public var isa = "portable"
    /// The element type of the KV cache.
    public var cacheType = "int16"
    /// The backbone's SHA-256, or the beginning of it.
    public var backbone = ""
    /// Waits until its engine has ended and its memory is free.
    public var ended: @Sendable () async -> Void = {}
    /// Keeps it loaded.
    var lease: ModelLease?

    /// A model of the given components.
    public init(engine: any InferenceEngine, policies: PolicyStore, processor: InputProcessor, contextLength: Int) {
        self.engine = engine
        self.policies = policies
        self.processor = processor
        self.grammars = GrammarCache(tokenizer: processor.tokenizer)
        self.contextLength = contextLength
    }

    /// The name that requests use for its policy or component `name`.
    func requestName(of name: String) -> String { self.name.map { "\($0)/\(name)" } ?? name }

    /// Identifies the versions under which the same request with a seed gives the same bytes.
    func fingerprint(of policy: Policy, version: String) -> String {
        let parts = [
            "apus", version, isa, cacheType, String(backbone.prefix(12)), "\(policy.requestName)@\(policy.generation)",
        ]
        return parts.joined(separator: "-")
    }
}
