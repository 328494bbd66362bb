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
        routes.add("/v1/admin/reload", for: .scope(.admin), post: reload)
    }

    @Sendable private func list(_ request: Request, context: ServerContext) async throws -> Response {
        let policies = try services.loaded().policies
        let serving = policies.catalog.generations
        let known = try policies.generations()
        let data = Set(known.keys).union(serving.keys).sorted().map { name -> JSON in
            [
                "object": "policy", "name": .string(name), "generation": JSON(serving[name]),
                "generations": .array((known[name] ?? []).map { .integer(Int64($0)) }),
            ]
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

    @Sendable private func reload(_ request: Request, context: ServerContext) async throws -> Response {
        let (keys, changes) = try await Administration(services: services, caller: Caller(context)).reload()
        return Response(["object": "reload", "keys": JSON(keys), "policies": .array(changes.map(\.json))])
    }
}

extension PolicyChange {
    fileprivate var json: JSON {
        [
            "object": "policy", "name": .string(name), "generation": JSON(generation), "previous": JSON(previous),
        ]
    }
}

/// Changes the keys and policies of a running server. If there is any error, nothing changes.
struct Administration: Sendable {
    let services: Services
    /// The caller; nil for a signal.
    let caller: Caller?

    /// Reloads keys and policies.
    func reload() async throws -> (keys: Int?, policies: [PolicyChange]) {
        let model = try loaded(for: "audit.reload")
        let (ring, changes, mistakes) = try await NIOThreadPool.singleton.runIfActive {
            var mistakes: [any Error] = []
            var ring: KeyRing?
            var changes: [PolicyChange] = []
            do { ring = try services.keys.read() } catch { mistakes.append(error) }
            do {
                changes = try model.policies.reload(applies: mistakes.isEmpty)
            } catch {
                services.metrics.add(.policySwaps, [("outcome", "failed")])
                mistakes.append(error)
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
        let model = try loaded(for: "audit.publish", [("policy", "\(name)@\(generation)")])
        do {
            let change = try await NIOThreadPool.singleton.runIfActive {
                try model.policies.publish(name, generation: generation)
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

    /// The loaded model. If none is loaded yet, the refusal is logged like any other.
    private func loaded(for event: String, _ fields: [(String, String)] = []) throws(APIError) -> ServedModel {
        do { return try services.loaded() } catch {
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
