import Engine
import Policies
import Synchronization
package import WireFormats

/// A model that can be loaded, and unloaded again.
public struct ModelSource: Sendable {
    /// Its name: its policies are `NAME/POLICY` in requests, and NAME is its default policy. Nil for the first model,
    /// whose policies have no prefix.
    public var name: String?
    /// Other names of its policies.
    public var aliases: Set<String>
    /// The memory that it takes once it is loaded, in bytes.
    public var bytes: Int
    /// Loads it, on a thread that may block.
    public var load: @Sendable () throws -> ServedModel

    /// A source of the given components.
    public init(
        name: String? = nil, aliases: Set<String> = [], bytes: Int = 0,
        load: @escaping @Sendable () throws -> ServedModel
    ) {
        self.name = name
        self.aliases = aliases
        self.bytes = bytes
        self.load = load
    }
}

/// The models of a server. A model is loaded when a request needs it, and unloaded when it was idle for long or when
/// another one needs its memory.
///
/// Requests hold leases: a model with a lease is never unloaded.
package final class ModelPool: Sendable {
    /// What a model is doing.
    package enum Phase: String, Sendable {
        case asleep, loading, loaded, unloading
    }

    /// A model as operators see it.
    package struct Status: Sendable {
        package let name: String?
        package let phase: Phase
        package let bytes: Int
        /// Requests that it is answering.
        package let leases: Int
    }

    private enum State {
        case asleep
        case loading(Task<Void, any Error>)
        case loaded(ServedModel)
        case unloading(Task<Void, Never>)

        var phase: Phase {
            switch self {
            case .asleep: .asleep
            case .loading: .loading
            case .loaded: .loaded
            case .unloading: .unloading
            }
        }
    }

    /// What is known of the policies of a model that may sleep.
    private struct KnownPolicies {
        var infos: [ModelInfo] = []
        var aliases: [String: String] = [:]

        subscript(name: String) -> ModelInfo? { infos.first { $0.id == aliases[name] ?? name } }
    }

    private struct Entry {
        let source: ModelSource
        var state = State.asleep
        var leases = 0
        var lastUse: ContinuousClock.Instant
        /// Its policies when it was last loaded, and other names of theirs.
        var known = KnownPolicies()

        var model: ServedModel? { if case .loaded(let model) = state { model } else { nil } }
        var isIdle: Bool { model != nil && leases == 0 }
    }

    private struct Value {
        var entries: [Entry]
        /// The counters of engines that have ended.
        var ended = EngineLoad()
        var isClosed = false
    }

    /// The memory that all loaded models may take together, in bytes.
    let limit: Int
    private let value: Mutex<Value>
    private let now: @Sendable () -> ContinuousClock.Instant
    /// A model's policies as callers see them.
    private let describe: @Sendable (ServedModel) -> [ModelInfo]
    private let workers = Workers()

    /// A pool of models that all sleep.
    package init(
        _ sources: [ModelSource], limit: Int = .max,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        describe: @escaping @Sendable (ServedModel) -> [ModelInfo]
    ) {
        self.limit = limit
        self.now = now
        self.describe = describe
        let start = now()
        value = Mutex(Value(entries: sources.map { Entry(source: $0, lastUse: start) }))
    }

    // MARK: What there is

    /// The loaded models, in the order of the sources.
    var loaded: [ServedModel] { value.withLock { $0.entries.compactMap(\.model) } }

    /// All models, in the order of the sources.
    package var status: [Status] {
        value.withLock { value in
            value.entries.map {
                Status(name: $0.source.name, phase: $0.state.phase, bytes: $0.source.bytes, leases: $0.leases)
            }
        }
    }

    /// The policies of all models, those of sleeping ones as they were last loaded.
    var policies: [ModelInfo] { known.flatMap(\.infos) }

    /// The policy with that name or alias.
    func policy(_ name: String) -> ModelInfo? { known.lazy.compactMap { $0[name] }.first }

    private var known: [KnownPolicies] {
        value.withLock { $0.entries }.map { entry in
            if let model = entry.model { return known(of: model) }
            var known = entry.known
            for index in known.infos.indices { known.infos[index].isLoaded = false }
            return known
        }
    }

    private func known(of model: ServedModel) -> KnownPolicies {
        KnownPolicies(infos: describe(model), aliases: model.policies.catalog.aliases)
    }

    /// The gauges of all engines together, and the counters of those that have ended too.
    var load: EngineLoad {
        let (ended, models) = value.withLock { ($0.ended, $0.entries.compactMap(\.model)) }
        return models.reduce(into: ended) { $0.add($1.engine.load) }
    }

    /// The index of the model whose policy is called `name`: the first one unless another one's name begins it.
    private func index(of name: String?, in value: Value) -> Int {
        guard let name else { return 0 }
        let own = value.entries.firstIndex { entry in
            guard let model = entry.source.name else { return entry.source.aliases.contains(name) }
            return name == model || name.hasPrefix(model + "/") || entry.source.aliases.contains(name)
        }
        return own ?? 0
    }

    /// Whether a model has this name of its own.
    func isModel(_ name: String) -> Bool { value.withLock { $0.entries.contains { $0.source.name == name } } }

    /// The model of a policy if it is loaded now.
    func loaded(for name: String?) -> ServedModel? {
        value.withLock { value in value.entries[index(of: name, in: value)].model }
    }

    // MARK: Leases

    /// The model of the policy `name`, loaded if it sleeps. It stays loaded until the last copy of the result is gone.
    ///
    /// - Throws: `ModelPoolError`, or what loading throws.
    package func lease(for name: String?) async throws -> ServedModel {
        while true {
            let (state, position) = try value.withLock { value in
                if value.isClosed { throw ModelPoolError.closed }
                let index = index(of: name, in: value)
                if value.entries[index].model != nil { value.entries[index].leases += 1 }
                if case .asleep = value.entries[index].state {
                    value.entries[index].state = .loading(Task { try await wake(index) })
                }
                return (value.entries[index].state, index)
            }
            switch state {
            case .loaded(var model):
                model.lease = ModelLease { [weak self] in self?.giveBack(position) }
                return model
            case .loading(let task): try await task.value
            case .unloading(let task): await task.value
            case .asleep: break
            }
        }
    }

    private func giveBack(_ index: Int) {
        value.withLock { value in
            value.entries[index].leases -= 1
            value.entries[index].lastUse = now()
        }
    }

    // MARK: Loading and unloading

    /// Makes room, then loads.
    private func wake(_ index: Int) async throws {
        do {
            let source = value.withLock { $0.entries[index].source }
            while let other = try next(toMakeRoomFor: index) { await unload(at: other) }
            let model = try await workers.run { _ in try source.load() }
            let known = known(of: model)
            let isClosed = value.withLock { value in
                value.entries[index].state = value.isClosed ? .asleep : .loaded(model)
                value.entries[index].known = known
                value.entries[index].lastUse = now()
                return value.isClosed
            }
            guard isClosed else { return }
            model.engine.stop()
            await model.ended()
        } catch {
            value.withLock { $0.entries[index].state = .asleep }
            throw error
        }
    }

    /// The idle model that was used least recently; nil if there is room for the model at `index`.
    private func next(toMakeRoomFor index: Int) throws(ModelPoolError) -> Int? {
        let (needed, taken, idle) = value.withLock { value in
            let others = value.entries.indices.filter { $0 != index }
            let taken = others.filter { value.entries[$0].state.phase != .asleep }
                .reduce(0) { $0 + value.entries[$1].source.bytes }
            let idle = others.filter { value.entries[$0].isIdle }
                .min { value.entries[$0].lastUse < value.entries[$1].lastUse }
            return (value.entries[index].source.bytes, taken, idle)
        }
        // A model alone may be as large as it is: its loading says what is missing.
        guard taken > 0, taken + needed > limit else { return nil }
        guard let idle else { throw .full(limit: limit) }
        return idle
    }

    /// Unloads an idle model, and waits until its memory is free.
    private func unload(at index: Int) async {
        let task = value.withLock { value -> Task<Void, Never>? in
            if case .unloading(let task) = value.entries[index].state { return task }
            guard value.entries[index].isIdle, let model = value.entries[index].model else { return nil }
            value.entries[index].known = known(of: model)
            let task = Task { [self] in
                model.engine.stop()
                await model.ended()
                var counters = model.engine.load
                counters.forgetGauges()
                record(counters, at: index)
            }
            value.entries[index].state = .unloading(task)
            return task
        }
        await task?.value
    }

    private func record(_ counters: EngineLoad, at index: Int) {
        value.withLock { value in
            value.ended.add(counters)
            value.entries[index].state = .asleep
        }
    }

    /// Loads the model called `name`, nil for the first one.
    func load(_ name: String?) async throws { _ = try await lease(for: name) }

    /// Unloads the model called `name`, nil for the first one.
    ///
    /// - Throws: `ModelPoolError.busy` if it is answering.
    package func unload(_ name: String?) async throws(ModelPoolError) {
        let (position, leases) = value.withLock { value in
            let index = index(of: name, in: value)
            return (index, value.entries[index].leases)
        }
        guard leases == 0 else { throw .busy(requests: leases) }
        await unload(at: position)
    }

    /// Unloads the models that nobody has used for `duration`. Returns their names.
    package func sleep(idleFor duration: Duration) async -> [String?] {
        let time = now()
        let idle = value.withLock { value in
            value.entries.indices.filter { value.entries[$0].isIdle && time - value.entries[$0].lastUse >= duration }
        }
        for index in idle { await unload(at: index) }
        return value.withLock { value in idle.map { value.entries[$0].source.name } }
    }

    /// Ends all engines: their requests fail. No model is loaded from now on.
    package func close() {
        let models = value.withLock { value in
            value.isClosed = true
            return value.entries.compactMap(\.model)
        }
        for model in models { model.engine.stop() }
    }

    /// Waits until all engines have ended, after `close`.
    package func ended() async {
        for model in loaded { await model.ended() }
    }
}

/// Keeps a model loaded while it lives.
final class ModelLease: Sendable {
    private let giveBack: @Sendable () -> Void

    init(giveBack: @escaping @Sendable () -> Void) {
        self.giveBack = giveBack
    }

    deinit {
        giveBack()
    }
}

/// Why a model cannot be loaded or unloaded now.
package enum ModelPoolError: Error, Equatable, CustomStringConvertible {
    /// The models that are answering leave too little memory.
    case full(limit: Int)
    /// The model is answering.
    case busy(requests: Int)
    /// The server is ending.
    case closed

    package var description: String {
        switch self {
        case .full(let limit):
            "the models that are answering leave too little of the \(limit >> 20) MiB for models; try again later"
        case .busy(let requests):
            "it is answering \(requests) \(requests == 1 ? "request" : "requests"); try again when none is left"
        case .closed: "the server is ending"
        }
    }
}
