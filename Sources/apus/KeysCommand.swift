import ArgumentParser
import Foundation
import Serving

/// Manages the key file.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Manage the keys of callers.",
        subcommands: [AddKey.self, ListKeys.self, RemoveKey.self])
}

/// The key file.
struct KeyFileOptions: ParsableArguments {
    @Option(help: "The key file.")
    var authKeys = "keys.jsonl"

    var file: KeyFile { KeyFile(path: authKeys) }
}

/// Creates a key.
struct AddKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Create a key and show it once. A running server accepts it after SIGHUP.",
        discussion: "Example: apus keys add app --scopes ask --rate 60")

    @OptionGroup var options: KeyFileOptions

    @Argument(help: "The holder of the key.")
    var name: String

    @Option(help: "The scopes: ask, feedback, admin, separated by commas.")
    var scopes = "ask"

    @Option(help: "The last day on which it is valid, like 2030-01-31. Default: no limit.")
    var expires: String?

    @Option(help: "Limit of requests per minute. Default: none.")
    var rate: Int?

    @Option(help: "Limit of prompt tokens per minute. Default: none.")
    var tokenRate: Int?

    @Option(help: "Limit of requests open at the same time. Default: none.")
    var streams: Int?

    func validate() throws {
        for limit in [rate, tokenRate, streams].compactMap({ $0 }) where !(1...1_000_000_000).contains(limit) {
            throw ValidationError("--rate, --token-rate and --streams take 1 to 1000000000, found \(limit)")
        }
        _ = try parsedScopes()
        _ = try expiry()
    }

    func run() throws {
        let limits = KeyLimits(requests: rate, promptTokens: tokenRate, streams: streams)
        let (record, key) = KeyRecord.make(
            name: name, scopes: try parsedScopes(), expires: try expiry(), limits: limits)
        try options.file.add(record)
        say(key)
        let end = record.expires.map { "expires \($0.formatted(.iso8601))" } ?? "never expires"
        Console.current.error(
            """
            The key above is shown once. Its id is \(record.id), it \(end), and it opens \(scopes).
            Next: serve with --auth-keys \(options.authKeys), or send SIGHUP to a server that does; callers send
            Authorization: Bearer KEY.

            """)
    }

    private func parsedScopes() throws -> Set<KeyScope> {
        Set(
            try scopes.split(separator: ",").map { name in
                guard let scope = KeyScope(rawValue: String(name)) else {
                    throw ValidationError("--scopes takes ask, feedback and admin, found \(name)")
                }
                return scope
            })
    }

    private func expiry() throws -> Date? {
        guard let expires else { return nil }
        do { return try Date("\(expires)T23:59:59Z", strategy: .iso8601) } catch {
            throw ValidationError("--expires takes a day like 2030-01-31, found \(expires)")
        }
    }
}

/// Lists the keys.
struct ListKeys: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the keys without their secrets.",
        discussion: "Example: apus keys list")

    @OptionGroup var options: KeyFileOptions

    func run() throws {
        for record in try options.file.records() {
            let scopes = record.scopes.map(\.rawValue).sorted().joined(separator: ",")
            let limits = [
                record.expires.map { "until \($0.formatted(.iso8601))" },
                record.limits.requests.map { "\($0) requests a minute" },
                record.limits.promptTokens.map { "\($0) prompt tokens a minute" },
                record.limits.streams.map { "\($0) open requests" },
            ]
            say(([record.id, record.name, scopes] + limits.compactMap { $0 }).joined(separator: " "))
        }
    }
}

/// Revokes a key.
struct RemoveKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Revoke a key. A running server refuses it after SIGHUP.",
        discussion: "Example: apus keys remove 1a2b3c4d")

    @OptionGroup var options: KeyFileOptions

    @Argument(help: "The key's id, from `apus keys list`.")
    var id: String

    func run() throws {
        try options.file.remove(id: id)
    }
}
