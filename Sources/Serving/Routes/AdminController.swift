import Engine
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import Policies
import Support
import WireFormats

/// Operators' requests to a running server. Each needs a key with the scope `admin`.
struct AdminController: Controller {
    let services: Services

    func addRoutes(to routes: Routes) {
        routes.add("/v1/admin/policies", for: .scope(.admin), get: list, post: publish)
        routes.add("/v1/admin/models", for: .scope(.admin), get: listModels, post: changeModel)
        routes.add("/v1/admin/reload", for: .scope(.admin), post: reload)
    }

    @Sendable private func list(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireLoaded()
        let data = try services.models.loaded.flatMap { model in
            let serving = model.policies.catalog.generations
            let known = try model.policies.generations()
            return Set(known.keys).union(serving.keys).sorted().map { name -> JSON in
                [
                    "object": "policy", "name": .string(model.requestName(of: name)),
                    "generation": JSON(serving[name]),
                    "generations": .array((known[name] ?? []).map { .integer(Int64($0)) }),
                ]
            }
        }
        return Response(["object": "list", "data": .array(data), "has_more": false])
    }

    @Sendable private func publish(_ request: Request, context: ServerContext) async throws -> Response {
        let wanted = try await request.read(["application/json"], services: services, context: context) {
            try PolicyPublication(body: $0.bytes)
        }.value
        let change = try await Administration(services: services, caller: Caller(context))
            .publish(wanted.name, generation: wanted.generation)
        return Response(change.json)
    }

    @Sendable private func listModels(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireLoaded()
        return Response([
            "object": "list", "data": .array(services.models.status.map(\.json)), "has_more": false,
            "memory_limit": JSON(services.models.limit),
        ])
    }

    @Sendable private func changeModel(_ request: Request, context: ServerContext) async throws -> Response {
        let wanted = try await request.read(["application/json"], services: services, context: context) {
            try ModelChange(body: $0.bytes)
        }.value
        let status = try await Administration(services: services, caller: Caller(context)).change(wanted)
        return Response(status.json)
    }

    @Sendable private func reload(_ request: Request, context: ServerContext) async throws -> Response {
        let (keys, changes) = try await Administration(services: services, caller: Caller(context)).reload()
        return Response(["object": "reload", "keys": JSON(keys), "policies": .array(changes.map(\.json))])
    }
}

extension ModelPool.Status {
    fileprivate var json: JSON {
        [
            "object": "model", "name": JSON(name), "state": .string(phase.rawValue), "bytes": JSON(bytes),
            "requests": JSON(leases),
        ]
    }
}

extension PolicyChange {
    fileprivate var json: JSON {
        [
            "object": "policy", "name": .string(name), "generation": JSON(generation), "previous": JSON(previous),
        ]
    }
}

extension PolicyChange {
    /// The change under the name that requests use.
    fileprivate func named(in model: ServedModel) -> PolicyChange {
        PolicyChange(name: model.requestName(of: name), generation: generation, previous: previous)
    }
}

/// Changes the keys, policies and models of a running server. If there is any error, nothing changes.
struct Administration: Sendable {
    let services: Services
    /// The caller; nil for a signal.
    let caller: Caller?

    /// Reloads keys and policies.
    func reload() async throws -> (keys: Int?, policies: [PolicyChange]) {
        try requireLoaded(for: "audit.reload")
        let models = services.models.loaded
        let (ring, changes, mistakes) = try await NIOThreadPool.singleton.runIfActive {
            var mistakes: [any Error] = []
            var ring: KeyRing?
            var changes: [PolicyChange] = []
            do { ring = try services.keys.read() } catch { mistakes.append(error) }
            // Of several models all must be right before one changes.
            for applies in models.count > 1 ? [false, true] : [true] {
                for model in models where !applies || mistakes.isEmpty || models.count == 1 {
                    do {
                        let own = try model.policies.reload(applies: applies && mistakes.isEmpty)
                        if applies { changes += own.map { $0.named(in: model) } }
                    } catch {
                        services.metrics.add(.policySwaps, [("outcome", "failed")])
                        mistakes.append(error)
                    }
                }
            }
            return (ring, changes, mistakes)
        }
        guard mistakes.isEmpty else {
            log("audit.reload", [("mistakes", mistakes.map { "\($0)" }.joined(separator: "; "))], level: .error)
            throw APIError(
                .invalidValue, "Nothing was reloaded: \(mistakes.map(Self.reason).joined(separator: "; ")).")
        }
        services.keys.replace(with: ring)
        changes.forEach { count($0) }
        services.declareSeries()
        log("audit.reload", [("policies", changes.map(Self.text).joined(separator: ", "))])
        return (ring?.count, changes)
    }

    /// Serves a generation of a policy from now on.
    func publish(_ name: String, generation: Int) async throws -> PolicyChange {
        try requireLoaded(for: "audit.publish", [("policy", "\(name)@\(generation)")])
        let model = try await services.model(for: name, context: nil)
        let own = model.name.map { name.hasPrefix($0 + "/") ? String(name.dropFirst($0.count + 1)) : name } ?? name
        do {
            let change = try await NIOThreadPool.singleton.runIfActive {
                try model.policies.publish(own, generation: generation).named(in: model)
            }
            count(change)
            services.declareSeries()
            log("audit.publish", [("policy", Self.text(change))])
            return change
        } catch let error as PolicyLoadingError {
            if case .unknownGeneration = error {
                throw APIError(.notFound, "\(error).", param: "generation", status: 404)
            }
            throw failed(name, generation, error)
        } catch {
            throw failed(name, generation, error)
        }
    }

    /// Loads or unloads a model.
    func change(_ wanted: ModelChange) async throws -> ModelPool.Status {
        let fields = [("model", wanted.name ?? ""), ("loaded", "\(wanted.loads)")]
        try requireLoaded(for: "audit.model", fields)
        if let name = wanted.name, !services.models.isModel(name) {
            throw APIError(.notFound, "There is no model \(name.prefix(100)).", param: "name", status: 404)
        }
        do {
            if wanted.loads {
                _ = try await services.model(for: wanted.name, context: nil)
            } else {
                do { try await services.models.unload(wanted.name) } catch { throw APIError(error) }
            }
        } catch let error as APIError {
            log("audit.model", fields + [("mistakes", error.message)], level: .error)
            throw error
        }
        services.declareSeries()
        log("audit.model", fields)
        guard let status = services.models.status.first(where: { $0.name == wanted.name }) else { throw APIError.bug }
        return status
    }

    /// Throws during the first loading; the refusal is logged like any other.
    private func requireLoaded(for event: String, _ fields: [(String, String)] = []) throws(APIError) {
        do { try services.requireLoaded() } catch {
            log(event, fields + [("mistakes", error.message)], level: .error)
            throw error
        }
    }

    private func failed(_ name: String, _ generation: Int, _ error: any Error) -> APIError {
        services.metrics.add(.policySwaps, [("outcome", "failed")])
        log("audit.publish", [("policy", "\(name)@\(generation)"), ("mistakes", "\(error)")], level: .error)
        return APIError(
            .invalidValue, "\(name) generation \(generation) is not served: \(Self.reason(error)).",
            param: "generation")
    }

    private func count(_ change: PolicyChange) {
        services.metrics.add(.policySwaps, [("outcome", "published")])
    }

    /// Logs a change at any log level.
    private func log(_ event: String, _ fields: [(String, String)], level: Logger.Level = .notice) {
        var logger = services.logger
        logger.logLevel = .trace
        let who = caller?.fields ?? [("signal", "SIGHUP")]
        let metadata = Logger.Metadata(uniqueKeysWithValues: (fields + who).map { ($0.0, .string($0.1)) })
        logger.log(level: level, "\(event)", metadata: metadata)
    }

    private static func text(_ change: PolicyChange) -> String {
        "\(change.name)@\(change.previous.map(String.init) ?? "-") to \(change.generation.map(String.init) ?? "-")"
    }

    /// The reason for callers. It names a policy's files without their folders; the log has the full paths.
    private static func reason(_ error: any Error) -> String {
        if let error = error as? KeyFileError { return "the file of keys: \(error.reason)" }
        return "\(error)".split(separator: " ", omittingEmptySubsequences: false).map { word in
            word.contains("/") ? word.split(separator: "/").suffix(3).joined(separator: "/") : String(word)
        }.joined(separator: " ")
    }
}

/// The caller who makes a change.
struct Caller: Sendable {
    /// Log fields: the key's id (never the key), the request's id, and the address.
    let fields: [(String, String)]

    init(_ context: ServerContext) {
        let facts = context.record.current
        let address = context.channel.remoteAddress?.ipAddress
        fields = [("key_id", facts.keyID ?? ""), ("request_id", facts.id), ("address", address ?? "")]
    }
}
