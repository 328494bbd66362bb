public import Datasets
public import Foundation
import GRDB
import Support

/// Stores comparisons and what people and rules say of them in one SQLite file: rankings, skips, thumbs, withdrawals.
///
/// The store only appends: when a labeler ranks a comparison again, the new ranking supersedes the older one, which
/// stays in the file but is no longer read. The exception is the deletion of a person's or an image's data, which
/// leaves no bytes of it in the file. The store writes through a write-ahead log and flushes the log before a method
/// returns, so what was accepted survives a crash.
public struct FeedbackStore: Sendable {
    let path: String
    let pool: DatabasePool

    /// Opens the store at `path`; creates it if it does not exist.
    ///
    /// - Throws: `FeedbackError`, for example for files that a newer version wrote.
    public init(path: String) throws(FeedbackError) {
        self.path = path
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        configuration.foreignKeysEnabled = true
        configuration.prepareDatabase {
            // Deleted rows are overwritten, and nothing of them goes to temporary files.
            try $0.execute(sql: "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY")
        }
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
        try write { database in
            try records.map { try append($0, at: time, to: database) }
        }
    }

    /// The newest ranking of each comparison by each labeler, in the order of arrival. Rankings of dialogues that
    /// records have no form for are missing, and so are those that must not be passed on.
    ///
    /// - Parameter kind: only rankings by this kind of labeler; nil for all.
    public func records(by kind: PreferenceRecord.Labeler.Kind? = nil) throws(FeedbackError) -> [PreferenceRecord] {
        try judgements(by: kind).filter(\.details.mayBeExported).compactMap(\.record)
    }

    /// The number of newest rankings.
    public func count(by kind: PreferenceRecord.Labeler.Kind? = nil) throws(FeedbackError) -> Int {
        try read { database in
            try Int.fetchOne(
                database, sql: "SELECT COUNT(*) FROM (\(FeedbackSchema.newest))", arguments: ["kind": kind?.rawValue])
                ?? 0
        }
    }

    /// The newest ranking of each comparison by each labeler, in the order of arrival.
    ///
    /// - Parameters:
    ///   - kind: only rankings by this kind of labeler; nil for all.
    ///   - number: returns only rankings that arrived after feedback `number`.
    public func judgements(
        by kind: PreferenceRecord.Labeler.Kind? = nil, after number: Int = 0
    ) throws(FeedbackError) -> [Judgement] {
        try read { database in
            try Row.fetchAll(
                database, sql: FeedbackSchema.newest + " AND f.number > :number ORDER BY f.number",
                arguments: ["kind": kind?.rawValue, "number": number]
            ).map(judgement)
        }
    }

    /// What each person said of each comparison before the page told whose answers they are: the first ranking, unless
    /// the person withdrew it.
    public func blindJudgements() throws(FeedbackError) -> [Judgement] {
        try read { database in
            try Row.fetchAll(
                database, sql: FeedbackSchema.first + " ORDER BY f.number",
                arguments: ["kind": PreferenceRecord.Labeler.Kind.human.rawValue]
            ).map(judgement)
        }
    }
}

/// A labeler's newest ranking of a comparison, with everything that exports need.
public struct Judgement: Sendable {
    /// `fb_` and 32 hexadecimal digits.
    public let id: String
    /// The comparison's id.
    public let comparison: String
    /// The dialogue.
    public let prompt: [FeedbackMessage]
    /// The ranked answers.
    public let completions: [PreferenceRecord.RankedCompletion]
    /// Indices of answers from best to worst; ties share a tier.
    public let tiers: [[Int]]
    /// The labeler.
    public let labeler: PreferenceRecord.Labeler
    /// What the labeler said beside the order.
    public let details: RankingDetails
    /// The ranking as a record; nil for dialogues that records have no form for.
    public let record: PreferenceRecord?

    /// All preferred pairs; ties give none.
    public var pairs: [PreferenceRecord.Pair] { PreferenceRecord.pairs(of: tiers) }
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

    /// One transaction that sees nothing of writes that begin meanwhile.
    func read<Value>(_ body: (Database) throws -> Value) throws(FeedbackError) -> Value {
        do { return try pool.read(body) } catch { throw FeedbackError(error, path: path) }
    }

    /// One transaction; it is on the disk when this method returns.
    func write<Value>(_ body: (Database) throws -> Value) throws(FeedbackError) -> Value {
        do { return try pool.write(body) } catch { throw FeedbackError(error, path: path) }
    }

    /// Appends a ranking; returns whether it was new.
    private func append(_ record: PreferenceRecord, at time: Date, to database: Database) throws -> Bool {
        let comparison = try Self.text(of: ImportedComparison(record))
        let known = try Row.fetchOne(
            database, sql: "SELECT body, spread FROM comparison WHERE id = ?", arguments: [record.id])
        if let known {
            guard try importedBody(known, id: record.id)?.hasBytes(of: comparison) == true else {
                throw FeedbackError.otherComparison(id: record.id)
            }
        }
        let seconds = Int(time.timeIntervalSince1970)
        if known == nil {
            try database.execute(
                sql: "INSERT INTO comparison (id, body, created) VALUES (?, ?, ?)",
                arguments: [record.id, comparison, seconds])
            if case .stored(let digest)? = record.image {
                try database.execute(
                    sql: "INSERT INTO image (sha256, comparison) VALUES (?, ?)", arguments: [digest, record.id])
            }
        }
        let tiers = try Self.text(of: record.tiers)
        let newest = try String.fetchOne(
            database,
            sql: """
                SELECT tiers FROM feedback f WHERE comparison = ? AND kind = ? AND labeler = ? AND form = 'ranking'
                AND \(FeedbackSchema.stands) ORDER BY number DESC LIMIT 1
                """, arguments: [record.id, record.labeler.kind.rawValue, record.labeler.id])
        if newest == tiers { return false }
        try insert(
            Entry(
                form: .ranking, comparison: record.id, labeler: record.labeler, tiers: tiers, body: "{}", time: time),
            into: database)
        return true
    }

    /// The body that a comparison has, or would have, if it came from a file; nil if it cannot come from one.
    private func importedBody(_ row: Row, id: String) throws -> String? {
        let body: String = row["body"]
        guard row["spread"] != nil else { return body }
        let asked = try decode(AskedComparison.self, from: body, id: id)
        let tiers = asked.completions.indices.map { [$0] }
        return try asked.record(id: id, tiers: tiers, labeler: .init(kind: .human, id: "any"))
            .map { try Self.text(of: ImportedComparison($0)) }
    }

    /// A row of the table `feedback`.
    struct Entry {
        /// The kinds of rows.
        enum Form: String {
            case ranking, skip, thumb
        }

        var form: Form
        var comparison: String?
        var labeler: PreferenceRecord.Labeler
        var tiers: String?
        var body: String
        var time: Date
    }

    /// Adds a row and returns its id.
    @discardableResult
    func insert(_ entry: Entry, into database: Database) throws -> (id: String, number: Int64) {
        var generator = SystemRandomNumberGenerator()
        let digits = (0..<2).map { _ in
            let half = String(generator.next(), radix: 16)
            return String(repeating: "0", count: 16 - half.count) + half
        }
        let id = "fb_" + digits.joined()
        try database.execute(
            sql: """
                INSERT INTO feedback (id, form, comparison, kind, labeler, tiers, body, created)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                id, entry.form.rawValue, entry.comparison, entry.labeler.kind.rawValue, entry.labeler.id, entry.tiers,
                entry.body, Int(entry.time.timeIntervalSince1970),
            ])
        return (id, database.lastInsertedRowID)
    }

    private func judgement(_ row: Row) throws -> Judgement {
        let id: String = row["comparison"]
        let tiers = try decode([[Int]].self, from: row["tiers"], id: id)
        let details = try decode(RankingDetails.self, from: row["details"], id: id)
        guard let kind = PreferenceRecord.Labeler.Kind(rawValue: row["kind"]) else {
            throw FeedbackError.damaged(path: path, comparison: id, reason: "a labeler is neither person nor rule")
        }
        let labeler = PreferenceRecord.Labeler(kind: kind, id: row["labeler"])
        func check(_ count: Int) throws {
            guard PreferenceRecord.completionCount.contains(count), PreferenceRecord.ranks(tiers, count) else {
                throw FeedbackError.damaged(
                    path: path, comparison: id, reason: "a ranking does not fit its candidates")
            }
        }
        if row["spread"] == nil {
            let comparison = try decode(ImportedComparison.self, from: row["body"], id: id)
            try check(comparison.completions.count)
            return Judgement(
                id: row["id"], comparison: id, prompt: comparison.prompt, completions: comparison.completions,
                tiers: tiers,
                labeler: labeler, details: details,
                record: comparison.record(id: id, tiers: tiers, labeler: labeler))
        }
        let comparison = try decode(AskedComparison.self, from: row["body"], id: id)
        try check(comparison.completions.count)
        return Judgement(
            id: row["id"], comparison: id, prompt: comparison.prompt, completions: comparison.completions,
            tiers: tiers, labeler: labeler, details: details,
            record: comparison.record(id: id, tiers: tiers, labeler: labeler))
    }

    /// The value that the store wrote as `text`. `id` names its comparison in errors.
    func decode<Value: Decodable>(_ type: Value.Type, from text: String, id: String) throws -> Value {
        do { return try JSONDecoder().decode(type, from: Data(text.utf8)) } catch {
            let reason = (error as? DecodingError)?.summary ?? "\(error)"
            throw FeedbackError.damaged(path: path, comparison: id, reason: reason)
        }
    }

    static func text(of value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
