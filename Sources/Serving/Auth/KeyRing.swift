import Checkpoints
import Crypto
public import Foundation
import Support
import WireFormats

/// What a key gives access to.
public enum KeyScope: String, Sendable, CaseIterable {
    /// All routes that generate.
    case ask
    /// Comparisons, rankings, rewards.
    case feedback
    /// `/v1/admin/`.
    case admin
}

/// A key in the form that the server keeps: it can check a key with it, but cannot reconstruct the key.
///
/// A key is `apus_`, 8 characters of id, `_`, 43 characters of secret (256 bits in base64url) and 6 characters of
/// checksum. A secret of that size cannot be found by search, so one round of SHA-256 over salt and key protects it.
public struct KeyRecord: Sendable, Equatable {
    /// The identifier of the key in logs.
    public let id: String
    /// The holder's name.
    public let name: String
    /// The scopes that the key gives access to.
    public let scopes: Set<KeyScope>
    /// The end of the key's validity; nil: none.
    public let expires: Date?
    /// The limits on its use.
    public let limits: KeyLimits
    private let salt: String
    private let digest: [UInt8]

    /// A new key.
    ///
    /// - Returns: the record to keep, and the key itself, which is shown once and stored nowhere.
    public static func make(
        name: String, scopes: Set<KeyScope>, expires: Date?, limits: KeyLimits = KeyLimits()
    ) -> (record: KeyRecord, key: String) {
        let id = String((0..<8).compactMap { _ in "abcdefghijklmnopqrstuvwxyz0123456789".randomElement() })
        let body = "apus_\(id)_\(random(bytes: 32))"
        let key = body + checksum(of: body)
        let salt = random(bytes: 16)
        let record = KeyRecord(
            id: id, name: name, scopes: scopes, expires: expires, limits: limits, salt: salt,
            digest: digest(of: key, salt: salt))
        return (record, key)
    }

    private init(
        id: String, name: String, scopes: Set<KeyScope>, expires: Date?, limits: KeyLimits, salt: String,
        digest: [UInt8]
    ) {
        self.id = id
        self.name = name
        self.scopes = scopes
        self.expires = expires
        self.limits = limits
        self.salt = salt
        self.digest = digest
    }

    /// Parses a line of a key file.
    init(line: String) throws(APIError) {
        var fields = try FieldReader(body: Array(line.utf8))
        id = try fields.require(fields.string("id"), "id")
        name = try fields.require(fields.string("name"), "name")
        salt = try fields.require(fields.string("salt"), "salt")
        let hexadecimal = try fields.require(fields.string("sha256"), "sha256")
        digest = Self.bytes(hexadecimal)
        guard digest.count == 32 else {
            throw APIError(.invalidValue, "sha256 must be 64 hexadecimal digits.", param: "sha256")
        }
        var scopes: Set<KeyScope> = []
        for scope in try fields.require(fields.array("scopes"), "scopes") {
            guard case .string(let name) = scope, let scope = KeyScope(rawValue: name) else {
                throw APIError(
                    .invalidValue, "scopes may hold \(KeyScope.allCases.map(\.rawValue).joined(separator: ", ")).",
                    param: "scopes")
            }
            scopes.insert(scope)
        }
        self.scopes = scopes
        let time = try fields.string("expires")
        do { expires = try time.map { try Date($0, strategy: .iso8601) } } catch {
            throw APIError(.invalidValue, "expires must be a time as RFC 3339 writes it.", param: "expires")
        }
        let numbers = 1...Int64(1_000_000_000)
        limits = KeyLimits(
            requests: try fields.integer("rate", in: numbers).map { Int($0) },
            promptTokens: try fields.integer("token_rate", in: numbers).map { Int($0) },
            streams: try fields.integer("streams", in: numbers).map { Int($0) })
        try fields.finish()
    }

    /// The record as a line of a key file.
    public var line: String {
        var members = [
            JSON.Member("id", .string(id)), JSON.Member("name", .string(name)),
            JSON.Member("scopes", .array(scopes.map(\.rawValue).sorted().map { .string($0) })),
            JSON.Member("salt", .string(salt)), JSON.Member("sha256", .string(Self.hexadecimal(digest))),
        ]
        if let expires { members.append(JSON.Member("expires", .string(expires.formatted(.iso8601)))) }
        for (name, limit) in [
            ("rate", limits.requests), ("token_rate", limits.promptTokens), ("streams", limits.streams),
        ] {
            if let limit { members.append(JSON.Member(name, JSON(limit))) }
        }
        return JSON.object(members).text
    }

    /// Whether `key` is the key of this record. The time does not depend on its bytes.
    fileprivate func opens(with key: String) -> Bool {
        // swift-crypto compares digests in constant time.
        SHA256.hash(data: Data((salt + key).utf8)) == digest
    }

    /// The id in `key`; nil if it does not have the form of a key.
    static func id(in key: String) -> String? {
        guard key.utf8.count == 63, key.hasPrefix("apus_"), checksum(of: String(key.dropLast(6))) == key.suffix(6)
        else {
            return nil
        }
        return String(key.dropFirst(5).prefix(8))
    }

    private static func digest(of key: String, salt: String) -> [UInt8] {
        Array(SHA256.hash(data: Data((salt + key).utf8)))
    }

    private static func checksum(of text: String) -> String {
        String(hexadecimal(Array(SHA256.hash(data: Data(text.utf8)))).prefix(6))
    }

    private static func random(bytes count: Int) -> String {
        Data((0..<count).map { _ in UInt8.random(in: .min ... .max) }).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = hexadecimal.compactMap { $0.isASCII ? $0.hexDigitValue : nil }
        guard digits.count == 64, hexadecimal.utf8.count == 64 else { return [] }
        return stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}

/// The keys that the server accepts.
public struct KeyRing: Sendable {
    private let records: [String: KeyRecord]

    /// A ring of the given keys.
    public init(_ records: [KeyRecord]) {
        self.records = Dictionary(records.map { ($0.id, $0) }, uniquingKeysWith: { _, last in last })
    }

    /// Reads a key file: one JSON object per line. Empty lines and lines that start with `#` are skipped.
    public init(path: String) throws(KeyFileError) {
        self.init(try Self.records(path: path))
    }

    /// The records of a key file. Only its owner and group may have read access.
    public static func records(path: String) throws(KeyFileError) -> [KeyRecord] {
        // A mounted secret is a link; the mode of its target counts.
        let file = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let attributes = try? FileManager.default.attributesOfItem(atPath: file)
        guard let content = try? readSmallFile(path, limit: 16 << 20), let attributes else {
            throw KeyFileError(path: path, reason: "cannot be read")
        }
        let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0o777
        guard mode & 0o137 == 0 else {
            throw KeyFileError(
                path: path, reason: "has mode 0\(String(mode, radix: 8)); others may read or write it: chmod 0640")
        }
        var records: [KeyRecord] = []
        for (number, bytes) in lines(of: Data(content)).enumerated() {
            let line = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespaces)
            guard !line.isEmpty, !line.hasPrefix("#") else { continue }
            do throws(APIError) {
                records.append(try KeyRecord(line: line))
            } catch {
                throw KeyFileError(path: path, reason: "line \(number + 1): \(error.message)")
            }
        }
        return records
    }

    /// The lines as editors on any system write them: ended by LF or CR LF, possibly after a byte order mark.
    private static func lines(of content: Data) -> [Data] {
        let mark = Data([0xEF, 0xBB, 0xBF])
        let text = content.starts(with: mark) ? content.dropFirst(mark.count) : content
        return text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
            line.last == UInt8(ascii: "\r") ? line.dropLast() : line
        }
    }

    /// Whether there are no keys.
    public var isEmpty: Bool { records.isEmpty }

    /// The number of keys.
    public var count: Int { records.count }

    /// The record of `key`; nil if it is not in the ring. An unknown id takes as long as a wrong secret.
    func record(of key: String) -> KeyRecord? {
        let known = KeyRecord.id(in: key).flatMap { records[$0] }
        let record = known ?? Self.decoy
        let isRight = record.opens(with: key)
        return isRight ? known : nil
    }

    private static let decoy = KeyRecord.make(name: "", scopes: [], expires: nil).record
}

/// Why a key file cannot be used.
public struct KeyFileError: Error, Equatable, CustomStringConvertible {
    /// The file.
    public let path: String
    /// What is wrong.
    public let reason: String

    /// The file and what is wrong with it.
    public var description: String { "\(path): \(reason)" }
}
