public import Datasets
public import Foundation
import GRDB

extension FeedbackStore {
    /// What the store says of stored feedback.
    public struct Receipt: Sendable, Equatable {
        /// `fb_` and 32 hexadecimal digits.
        public let id: String
        /// The number of preferred pairs.
        public let pairs: Int
    }

    /// Stores a person's ranking of a comparison.
    ///
    /// - Parameters:
    ///   - tiers: candidate ids from best to worst; ties share a tier.
    ///   - flags: the flags of candidates.
    /// - Throws: `FeedbackError.notFound` or `invalid`, naming the field, if it does not fit the comparison.
    public func rank(
        _ comparison: String, _ tiers: [[String]], flags: [String: [RankingDetails.Flag]] = [:],
        details: RankingDetails = RankingDetails(), by labeler: String, at time: Date
    ) throws(FeedbackError) -> Receipt {
        try write { database in
            let row = try visible(comparison, for: labeler, field: "comparison_id", in: database)
            let candidates = try self.comparison(row).candidates.map(\.id)
            let indices = Dictionary(uniqueKeysWithValues: candidates.enumerated().map { ($1, $0) })
            let ranked = try tiers.map { try $0.map { try Self.index(of: $0, in: indices, field: "ranking") } }
            guard PreferenceRecord.ranks(ranked, candidates.count) else {
                throw FeedbackError.invalid(
                    field: "ranking",
                    reason: "must have each of the \(candidates.count) candidates once and no empty tier")
            }
            var details = details
            for (id, flags) in flags.sorted(by: { $0.key < $1.key }) where !flags.isEmpty {
                let index = try Self.index(of: id, in: indices, field: "flags")
                details.flags = (details.flags ?? [:]).merging(["\(index)": flags]) { $1 }
            }
            let id = try insert(
                Entry(
                    form: .ranking, comparison: comparison, labeler: .init(kind: .human, id: labeler),
                    tiers: try Self.text(of: ranked), body: try Self.text(of: details), time: time), into: database
            ).id
            return Receipt(id: id, pairs: PreferenceRecord.pairs(of: ranked).count)
        }
    }

    private static func index(of id: String, in indices: [String: Int], field: String) throws(FeedbackError) -> Int {
        guard let index = indices[id] else {
            throw .invalid(field: field, reason: "names \(id.prefix(100)), which is not a candidate of this comparison")
        }
        return index
    }

    /// Notes that a person does not want to rank a comparison.
    public func skip(_ comparison: String, by labeler: String, at time: Date) throws(FeedbackError) -> Receipt {
        try write { database in
            _ = try visible(comparison, for: labeler, field: "comparison_id", in: database)
            let entry = Entry(
                form: .skip, comparison: comparison, labeler: .init(kind: .human, id: labeler), body: "{}", time: time)
            return Receipt(id: try insert(entry, into: database).id, pairs: 0)
        }
    }

    /// Stores a person's opinion of an answer.
    public func append(
        _ thumb: Thumb, by labeler: String, images: ImageFolder, at time: Date
    ) throws(FeedbackError) -> Receipt {
        try write { database in
            let entry = Entry(
                form: .thumb, labeler: .init(kind: .human, id: labeler), body: try Self.text(of: thumb), time: time)
            let (id, number) = try insert(entry, into: database)
            try reference(thumb.prompt, in: images, column: "feedback", number, database)
            return Receipt(id: id, pairs: 0)
        }
    }

    /// Withdraws a person's feedback, and with it what it superseded: with a ranking what the person said of the
    /// comparison before it, so that the comparison is open again, with a thumb the earlier ones under the same answer.
    /// What was said later stays.
    ///
    /// - Throws: `FeedbackError.notFound` for an unknown id, another labeler's, and one that is withdrawn already.
    public func withdraw(_ id: String, by labeler: String, at time: Date) throws(FeedbackError) {
        try write { database in
            let row = try Row.fetchOne(
                database,
                sql: """
                    SELECT number, comparison, form, \(FeedbackSchema.subject) AS subject FROM feedback f WHERE id = ? AND kind = 'human' AND labeler = ?
                    AND \(FeedbackSchema.stands)
                    """, arguments: [id, labeler])
            guard let row else { throw FeedbackError.notFound(field: "id", what: "feedback \(id.prefix(100))") }
            try database.execute(
                sql: """
                    INSERT INTO withdrawal (feedback, created)
                    SELECT number, :created FROM feedback f WHERE \(FeedbackSchema.stands) AND (
                        number = :number OR (comparison = :comparison AND kind = 'human' AND labeler = :labeler
                            AND number < :number AND (form = :form OR :form = 'ranking'))
                        OR (form = 'thumb' AND :form = 'thumb' AND kind = 'human' AND labeler = :labeler
                            AND number < :number AND \(FeedbackSchema.subject) = :subject))
                    """,
                arguments: [
                    "subject": row["subject"] as String, "created": Int(time.timeIntervalSince1970),
                    "number": row["number"] as Int64,
                    "comparison": row["comparison"] as String?, "labeler": labeler, "form": row["form"] as String,
                ])
        }
    }

    /// The newest thumb of each person under each answer, in the order of arrival.
    ///
    /// - Parameter number: returns only thumbs that arrived after feedback `number`.
    public func thumbs(
        after number: Int = 0
    ) throws(FeedbackError) -> [(id: String, labeler: String, thumb: Thumb)] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT id, labeler, body FROM feedback f WHERE form = 'thumb' AND number > ?
                    AND number IN (\(FeedbackSchema.latest)) ORDER BY number
                    """, arguments: [number]
            ).map { ($0["id"], $0["labeler"], try decode(Thumb.self, from: $0["body"], id: $0["id"])) }
        }
    }

    /// The number of a feedback id, by which later feedback is told from earlier one.
    public func number(of id: String, field: String) throws(FeedbackError) -> Int {
        try read { database in
            let number = try Int.fetchOne(database, sql: "SELECT number FROM feedback WHERE id = ?", arguments: [id])
            guard let number else { throw FeedbackError.notFound(field: field, what: "feedback \(id.prefix(100))") }
            return number
        }
    }

    /// The counters, as `labeler` sees them.
    ///
    /// - Parameter sharedLimit: the agreement is measured on this many comparisons, the newest ones; nil: on all.
    public func summary(for labeler: String, sharedLimit: Int? = nil) throws(FeedbackError) -> FeedbackSummary {
        try read { database in
            var summary = FeedbackSummary()
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT labeler, form, COUNT(DISTINCT \(FeedbackSchema.subject)) AS count
                    FROM feedback f WHERE kind = 'human' AND \(FeedbackSchema.stands) GROUP BY labeler, form
                    """)
            for row in rows {
                let count: Int = row["count"]
                let form = Entry.Form(rawValue: row["form"])
                summary.all.add(count, of: form)
                if row["labeler"] == labeler { summary.own.add(count, of: form) }
            }
            summary.labelers = Set(rows.map { $0["labeler"] as String }).count
            func count(_ sql: String) throws -> Int {
                try Int.fetchOne(
                    database, sql: "SELECT COUNT(*) FROM " + sql,
                    arguments: sql.contains(":labeler") ? ["labeler": labeler] : []) ?? 0
            }
            summary.demonstrations = try count(
                """
                feedback f WHERE kind = 'human' AND number IN (\(FeedbackSchema.latest))
                AND body LIKE '%"better":%' AND json_extract(body, '$.better') IS NOT NULL
                """)
            summary.waiting = try count("prompt p WHERE \(FeedbackSchema.waiting)")
            summary.failed = try count("failure")
            summary.ready = try count(
                "comparison c WHERE \(FeedbackSchema.visible) AND NOT \(FeedbackSchema.judged("'ranking', 'skip'"))")
            summary.agreement = try agreement(sharedLimit, in: database)
            return summary
        }
    }

    private func agreement(_ limit: Int?, in database: Database) throws -> FeedbackSummary.Agreement {
        let rows = try Row.fetchAll(
            database,
            sql: """
                WITH shared AS (
                    SELECT comparison FROM feedback f
                    WHERE form = 'ranking' AND kind = 'human' AND \(FeedbackSchema.stands)
                    GROUP BY comparison HAVING COUNT(DISTINCT labeler) > 1 ORDER BY MAX(number) DESC LIMIT :limit)
                SELECT comparison, tiers FROM feedback WHERE number IN (
                    SELECT MAX(number) FROM feedback f
                    WHERE comparison IN (SELECT comparison FROM shared) AND form = 'ranking' AND kind = 'human'
                    AND \(FeedbackSchema.stands) GROUP BY comparison, labeler)
                ORDER BY number
                """, arguments: ["limit": limit ?? -1])
        var rankings: [String: [[[Int]]]] = [:]
        var counter = LabelerAgreement()
        for row in rows {
            let id: String = row["comparison"]
            let tiers = try decode([[Int]].self, from: row["tiers"], id: id)
            for other in rankings[id] ?? [] { counter.count(tiers, other) }
            rankings[id, default: []].append(tiers)
        }
        return .init(share: counter.share, comparisons: rankings.count, pairs: counter.pairs)
    }

    /// The number of rankings, thumbs and skips of each labeler, without withdrawn ones.
    public func counts() throws(FeedbackError) -> [(labeler: PreferenceRecord.Labeler, form: String, count: Int)] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT kind, labeler, form, COUNT(DISTINCT \(FeedbackSchema.subject)) AS count
                    FROM feedback f WHERE \(FeedbackSchema.stands) GROUP BY kind, labeler, form
                    """
            ).compactMap { row in
                PreferenceRecord.Labeler.Kind(rawValue: row["kind"]).map {
                    (.init(kind: $0, id: row["labeler"]), row["form"], row["count"])
                }
            }
        }
    }
}

extension FeedbackSummary.Counts {
    fileprivate mutating func add(_ count: Int, of form: FeedbackStore.Entry.Form?) {
        switch form {
        case .ranking: rankings += count
        case .thumb: thumbs += count
        case .skip: skipped += count
        case nil: break
        }
    }
}
