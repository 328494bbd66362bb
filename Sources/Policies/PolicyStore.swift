import Synchronization

/// A source of policies.
public protocol PolicySource: Sendable {
    /// The generation of each policy and component that the disk says to serve.
    func current() throws -> [String: Int]

    /// The generations of each policy and component that exist.
    func generations() throws -> [String: [Int]]

    /// Loads and verifies the given generations; policies and vision weights among `known` are reused.
    func catalog(of generations: [String: Int], reusing known: [Policy]) throws -> PolicyCatalog

    /// The value model that was trained beside a generation; nil if there is none.
    func value(of name: String, generation: Int) throws -> PolicyManifest.Reference?

    /// Serves a generation, and the value model beside it, after the next start too.
    func setCurrent(_ generation: Int, of name: String) throws
}

/// A change of a policy's served generation.
public struct PolicyChange: Sendable, Equatable {
    /// The policy.
    public var name: String
    /// The generation that is served now; nil if the policy is gone.
    public var generation: Int?
    /// The generation that was served before; nil if there was none.
    public var previous: Int?

    /// A change between two generations.
    public init(name: String, generation: Int?, previous: Int?) {
        self.name = name
        self.generation = generation
        self.previous = previous
    }
}

/// The policies on offer, which change while the engine runs.
///
/// A new catalog is loaded and verified completely, then replaces the old one at once. Requests finish on the
/// generation that they started with; the last of them frees it.
public final class PolicyStore: Sendable {
    private let source: any PolicySource
    private let value: Mutex<PolicyCatalog>
    private let changes = Mutex(())
    /// All policies that were served. A return to a generation that a request still holds takes that one.
    private let served = Mutex<[Served]>([])

    /// Publications while no folder can be written.
    private let chosen = Mutex<[String: Choice]>([:])

    /// A generation that is served instead of the one that the folders name, until they name another one.
    private struct Choice {
        var generation: Int
        var instead: Int?
    }

    private struct Served {
        weak var policy: Policy?
    }

    /// Loads the current generations.
    public init(_ source: any PolicySource) throws {
        self.source = source
        self.value = Mutex(try source.catalog(of: source.current(), reusing: []))
    }

    /// The policies on offer now.
    public var catalog: PolicyCatalog { value.withLock { $0 } }

    /// The generations of each policy, reward and value model that can be published. Vision weights are published with
    /// the policies that use them.
    public func generations() throws -> [String: [Int]] {
        try source.generations().filter { name, _ in name != PolicyRole.vision.name }
    }

    /// Serves a generation of `name` from now on, and the value model that was trained beside it. A generation older
    /// than the current one is a rollback. On any error nothing changes.
    public func publish(_ name: String, generation: Int) throws -> PolicyChange {
        try changes.withLock { _ in
            let known = try generations()[name] ?? []
            guard known.contains(generation) else {
                throw PolicyLoadingError.unknownGeneration(policy: name, generation, known: known)
            }
            let old = catalog
            var published = [name: generation]
            if let value = try source.value(of: name, generation: generation) {
                published[value.name] = value.generation
            }
            let new = try load(old.generations.merging(published) { $1 })
            try source.setCurrent(generation, of: name)
            try remember(published)
            value.withLock { $0 = new }
            return PolicyChange(name: name, generation: generation, previous: old.generations[name])
        }
    }

    /// Remembers the publications that the folders do not show.
    private func remember(_ published: [String: Int]) throws {
        let current = try source.current()
        chosen.withLock { chosen in
            for (name, generation) in published {
                let isWritten = current[name] == generation
                chosen[name] = isWritten ? nil : Choice(generation: generation, instead: current[name])
            }
        }
    }

    /// The generations to serve: the folders' ones, or the ones that were published since.
    private func current() throws -> [String: Int] {
        var generations = try source.current()
        for (name, choice) in chosen.withLock({ $0 }) where generations[name] == choice.instead {
            generations[name] = choice.generation
        }
        return generations
    }

    /// Serves the current generations of the disk, or the ones that were published since. On any error nothing changes.
    ///
    /// - Parameter applies: false only checks.
    public func reload(applies: Bool = true) throws -> [PolicyChange] {
        try changes.withLock { _ in
            let old = catalog
            let new = try load(current())
            if applies { value.withLock { $0 = new } }
            let (before, after) = (old.generations, new.generations)
            return Set(before.keys).union(after.keys).sorted().compactMap { name in
                guard before[name] != after[name] else { return nil }
                return PolicyChange(name: name, generation: after[name], previous: before[name])
            }
        }
    }

    private func load(_ generations: [String: Int]) throws -> PolicyCatalog {
        let now = catalog.all
        let known = served.withLock { served in
            served.removeAll { old in old.policy == nil || now.contains { $0 === old.policy } }
            served += now.map { Served(policy: $0) }
            return served.compactMap(\.policy)
        }
        return try source.catalog(of: generations, reusing: known)
    }
}
