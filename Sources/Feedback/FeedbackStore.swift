public import Datasets
public import Foundation
import GRDB

/// Stores comparisons and their rankings, by people and by rules, in one SQLite file.
///
/// The store only appends: when a labeler ranks a comparison again, the new ranking supersedes the older one, which
/// stays in the file but is no longer read. It writes through a write-ahead log and flushes the log before `append`
/// returns, so accepted rankings survive a crash.
public struct FeedbackStore: Sendable {
    private let path: String
    private let pool: DatabasePool

    /// Opens the store at `path`; creates it if it does not exist.
    ///
    /// - Throws: `FeedbackError`, for example for files that a newer version wrote.
    public init(path: String) throws(FeedbackError) {
        self.path = path
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        configuration.foreignKeysEnabled = true
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        Self.protect(path)
        do {
            pool = try DatabasePool(path: path, configuration: configuration)
            if try pool.read(FeedbackSchema.migrator.hasBeenSuperseded) { throw FeedbackError.newer(path: path) }
            try FeedbackSchema.migrator.migrate(pool)
        } catch {
            throw FeedbackError(error, path: path)
        }
    }

    /// Appends all rankings or none. Rankings that the store already has, tier by tier, are skipped.
    ///
    /// - Returns: the number of appended rankings.
    /// - Throws: `FeedbackError.otherComparison` if a comparison of the same id has another question or other answers.
    @discardableResult
    public func append(_ records: [PreferenceRecord], at time: Date) throws(FeedbackError) -> Int {
        try appendEach(records, at: time).count { $0 }
    }

    /// Appends rankings in the same way, and returns for each record whether it was new.
    public func appendEach(_ records: [PreferenceRecord], at time: Date) throws(FeedbackError) -> [Bool] {
        do {
            return try pool.write { database in
                try records.map { try append($0, at: time, to: database) }
            }
        } catch {
            throw FeedbackError(error, path: path)
        }
    }

    /// The newest ranking of each comparison by each labeler, in the order of arrival.
    ///
    /// - Parameter kind: only rankings by this kind of labeler; nil for all.
    public func records(by kind: PreferenceRecord.Labeler.Kind? = nil) throws(FeedbackError) -> [PreferenceRecord] {
        do {
            let rows = try pool.read { database in
                try Row.fetchAll(
                    database, sql: FeedbackSchema.newest + " ORDER BY number", arguments: ["kind": kind?.rawValue])
            }
            return try rows.map(record)
        } catch {
            throw FeedbackError(error, path: path)
        }
    }

    /// The number of rankings in `records(by:)`.
    public func count(by kind: PreferenceRecord.Labeler.Kind? = nil) throws(FeedbackError) -> Int {
        do {
            return try pool.read { database in
                try Int.fetchOne(
                    database, sql: "SELECT COUNT(*) FROM (\(FeedbackSchema.newest))",
                    arguments: ["kind": kind?.rawValue])
            } ?? 0
        } catch {
            throw FeedbackError(error, path: path)
        }
    }
}

extension FeedbackStore {
    /// Lets only the owner read the file, because it contains people's words. SQLite gives its log the same mode. If
    /// the file cannot be opened, SQLite reports it.
    private static func protect(_ path: String) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { return }
        fchmod(descriptor, 0o600)
        close(descriptor)
    }

    /// Appends a ranking; returns whether it was new.
    private func append(_ record: PreferenceRecord, at time: Date, to database: Database) throws -> Bool {
        let comparison = try Self.text(of: StoredComparison(record))
        let known = try String.fetchOne(
            database, sql: "SELECT body FROM comparison WHERE id = ?", arguments: [record.id])
        guard known?.hasBytes(of: comparison) ?? true else { throw FeedbackError.otherComparison(id: record.id) }
        let seconds = Int(time.timeIntervalSince1970)
        if known == nil {
            try database.execute(
                sql: "INSERT INTO comparison (id, body, created) VALUES (?, ?, ?)",
                arguments: [record.id, comparison, seconds])
        }
        let tiers = try Self.text(of: record.tiers)
        let key: StatementArguments = [record.id, record.labeler.kind.rawValue, record.labeler.id]
        let newest = try String.fetchOne(
            database,
            sql: """
                SELECT tiers FROM ranking WHERE comparison = ? AND kind = ? AND labeler = ?
                ORDER BY number DESC LIMIT 1
                """, arguments: key)
        if newest == tiers { return false }
        try database.execute(
            sql: "INSERT INTO ranking (comparison, kind, labeler, tiers, created) VALUES (?, ?, ?, ?, ?)",
            arguments: key + [tiers, seconds])
        return true
    }

    private func record(_ row: Row) throws -> PreferenceRecord {
        let id: String = row["comparison"]
        let decoder = JSONDecoder()
        do {
            let comparison = try decoder.decode(StoredComparison.self, from: row["body"] as Data)
            let tiers = try decoder.decode([[Int]].self, from: row["tiers"] as Data)
            let kind = PreferenceRecord.Labeler.Kind(rawValue: row["kind"])
            if let kind, PreferenceRecord.ranks(tiers, comparison.completions.count) {
                return comparison.record(id: id, tiers: tiers, labeler: .init(kind: kind, id: row["labeler"]))
            }
        } catch {
            throw FeedbackError.damaged(path: path, comparison: id, reason: "\(error)")
        }
        throw FeedbackError.damaged(path: path, comparison: id, reason: "a ranking does not fit its candidates")
    }

    private static func text(of value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
