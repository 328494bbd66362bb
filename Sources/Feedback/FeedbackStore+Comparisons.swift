public import Datasets
public import Foundation
import GRDB

extension FeedbackStore {
    /// Stores a comparison for people to rank.
    ///
    /// - Parameter images: the folder that must have the files of its images.
    /// - Throws: `FeedbackError.unavailable` if an image was deleted meanwhile.
    public func add(
        _ comparison: NewComparison, images: ImageFolder, at time: Date
    ) throws(FeedbackError) -> Comparison {
        precondition(PreferenceRecord.completionCount.contains(comparison.answers.count))
        let body = AskedComparison(comparison)
        let digits = (0..<3).map { _ in
            let digits = String(UInt32.random(in: .min ... .max), radix: 16)
            return String(repeating: "0", count: 8 - digits.count) + digits
        }
        let (id, seconds) = ("cmp_" + digits.joined(), Int(time.timeIntervalSince1970))
        try write { database in
            try database.execute(
                sql: """
                    INSERT INTO comparison (id, body, created, spread, labeler, prompt) VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    id, try Self.text(of: body), seconds, comparison.spread, comparison.labeler,
                    comparison.queued?.number,
                ])
            try reference(comparison.prompt, in: images, column: "comparison", id, database)
        }
        return body.comparison(id: id, created: seconds, spread: comparison.spread, labeler: comparison.labeler)
    }

    /// Notes which row uses which images. Deletion holds the same lock, so an image that is there now stays.
    func reference(
        _ prompt: [FeedbackMessage], in images: ImageFolder, column: String, _ row: any DatabaseValueConvertible,
        _ database: Database
    ) throws {
        for digest in prompt.digests.sorted() {
            guard images.contains(sha256: digest) else {
                throw FeedbackError.unavailable(path: path, reason: "the image \(digest) was deleted meanwhile")
            }
            try database.execute(
                sql: "INSERT INTO image (sha256, \(column)) VALUES (?, ?)", arguments: [digest, row])
        }
    }

    /// The states of a comparison for one labeler.
    public enum Status: String, Sendable, CaseIterable {
        /// Neither ranked nor skipped.
        case open
        /// Ranked.
        case ranked
    }

    /// The orders of a list of comparisons.
    public enum Order: String, Sendable, CaseIterable {
        /// As they were stored.
        case created
        /// Those first whose answers differ most.
        case informative
    }

    /// A comparison as one labeler sees it.
    public struct View: Sendable, Equatable {
        /// The comparison.
        public let comparison: Comparison
        /// The labeler's newest ranking, by candidate ids from best to worst; nil if there is none.
        public let ranking: [[String]]?

        /// A comparison with the labeler's ranking.
        public init(comparison: Comparison, ranking: [[String]]?) {
            self.comparison = comparison
            self.ranking = ranking
        }
    }

    /// A comparison as `labeler` sees it.
    ///
    /// - Throws: `FeedbackError.notFound` naming `field` if there is none, or if it is another labeler's.
    public func comparison(
        _ id: String, for labeler: String, field: String = "id"
    ) throws(FeedbackError) -> View {
        try read { try view(try visible(id, for: labeler, field: field, in: $0), for: labeler, in: $0) }
    }

    /// The comparisons that `labeler` sees in a state.
    ///
    /// - Parameter after: the id of the last comparison of the page before.
    public func comparisons(
        _ status: Status?, for labeler: String, order: Order, limit: Int, after: String?
    ) throws(FeedbackError) -> (page: [View], hasMore: Bool) {
        try read { database in
            var condition = FeedbackSchema.visible
            switch status {
            case .open: condition += " AND NOT \(FeedbackSchema.judged("'ranking', 'skip'"))"
            case .ranked: condition += " AND \(FeedbackSchema.judged("'ranking'"))"
            case nil: break
            }
            var arguments: StatementArguments = ["labeler": labeler, "limit": limit + 1]
            if let after {
                let last = try visible(after, for: labeler, field: "after", in: database)
                arguments += ["row": last["rowid"] as Int64]
                switch order {
                case .created: condition += " AND c.rowid > :row"
                case .informative:
                    arguments += ["spread": last["spread"] as Double]
                    condition += " AND (c.spread < :spread OR (c.spread = :spread AND c.rowid > :row))"
                }
            }
            let sorted = order == .created ? "c.rowid" : "c.spread DESC, c.rowid"
            let rows = try Row.fetchAll(
                database,
                sql: "SELECT c.rowid, c.* FROM comparison c WHERE \(condition) ORDER BY \(sorted) LIMIT :limit",
                arguments: arguments)
            return (try rows.prefix(limit).map { try view($0, for: labeler, in: database) }, rows.count > limit)
        }
    }

    /// The row of a comparison that `labeler` may see.
    func visible(_ id: String, for labeler: String, field: String, in database: Database) throws -> Row {
        let row = try Row.fetchOne(
            database, sql: "SELECT c.rowid, c.* FROM comparison c WHERE c.id = :id AND \(FeedbackSchema.visible)",
            arguments: ["id": id, "labeler": labeler])
        guard let row else { throw FeedbackError.notFound(field: field, what: "comparison \(id.prefix(100))") }
        return row
    }

    func comparison(_ row: Row) throws -> Comparison {
        let id: String = row["id"]
        return try decode(AskedComparison.self, from: row["body"], id: id).comparison(
            id: id, created: row["created"], spread: row["spread"], labeler: row["labeler"])
    }

    private func view(_ row: Row, for labeler: String, in database: Database) throws -> View {
        let comparison = try comparison(row)
        let tiers = try String.fetchOne(
            database,
            sql: """
                SELECT tiers FROM feedback f WHERE comparison = ? AND kind = 'human' AND labeler = ?
                AND form = 'ranking' AND \(FeedbackSchema.stands) ORDER BY number DESC LIMIT 1
                """, arguments: [comparison.id, labeler])
        let ranking = try tiers.map { text in
            let tiers = try decode([[Int]].self, from: text, id: comparison.id)
            guard PreferenceRecord.ranks(tiers, comparison.candidates.count) else {
                throw FeedbackError.damaged(
                    path: path, comparison: comparison.id, reason: "a ranking does not fit its candidates")
            }
            return tiers.map { $0.map { comparison.candidates[$0].id } }
        }
        return View(comparison: comparison, ranking: ranking)
    }
}

// MARK: The queue

extension FeedbackStore {
    /// A line of a file for the queue: a prompt, or a prompt with answers, which is a comparison at once.
    public struct QueueItem: Sendable {
        /// The prompt.
        public var content: QueuedPrompt.Content
        /// The answers, if they are given.
        public var answers: [PreferenceRecord.RankedCompletion]

        /// A prompt, with answers or without.
        public init(content: QueuedPrompt.Content, answers: [PreferenceRecord.RankedCompletion] = []) {
            self.content = content
            self.answers = answers
        }
    }

    /// Appends all items to the queue or none. Items that the queue already has are skipped, but one that was taken out
    /// because no answers could be sampled waits again.
    ///
    /// - Returns: for each item whether it was new, or waits again.
    public func enqueue(_ items: [QueueItem], images: ImageFolder, at time: Date) throws(FeedbackError) -> [Bool] {
        try write { database in try items.map { try enqueue($0, images: images, at: time, database) } }
    }

    private func enqueue(_ item: QueueItem, images: ImageFolder, at time: Date, _ database: Database) throws -> Bool {
        let body = try Self.text(of: item.content)
        let seconds = Int(time.timeIntervalSince1970)
        let id = PreferenceRecord.id(of: ["queue", body, try Self.text(of: item.answers)])
        if let known = try Int.fetchOne(database, sql: "SELECT number FROM prompt WHERE id = ?", arguments: [id]) {
            try database.execute(sql: "DELETE FROM failure WHERE prompt = ?", arguments: [known])
            return database.changesCount > 0
        }
        try database.execute(
            sql: "INSERT INTO prompt (id, body, created) VALUES (?, ?, ?)", arguments: [id, body, seconds])
        let number = database.lastInsertedRowID
        try reference(item.content.prompt, in: images, column: "prompt", number, database)
        guard !item.answers.isEmpty else { return true }
        // In an order that says nothing about their place in the file, and is the same at every import.
        let order = item.answers.indices.sorted {
            PreferenceRecord.id(of: [id, "\($0)"]) < PreferenceRecord.id(of: [id, "\($1)"])
        }
        let comparison = NewComparison(
            prompt: item.content.prompt, answers: order.map { (item.answers[$0], nil) }, seed: 0,
            spread: Spread.ofTexts(item.answers.map(\.text)), labeler: nil)
        try database.execute(
            sql: "INSERT INTO comparison (id, body, created, spread, prompt) VALUES (?, ?, ?, ?, ?)",
            arguments: [id, try Self.text(of: AskedComparison(comparison)), seconds, comparison.spread, number])
        try reference(item.content.prompt, in: images, column: "comparison", id, database)
        return true
    }

    /// The first prompts of the queue that wait for answers, without those numbered `excluding`.
    public func waitingPrompts(limit: Int, excluding: Set<Int> = []) throws(FeedbackError) -> [QueuedPrompt] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT p.number, p.body FROM prompt p WHERE \(FeedbackSchema.waiting) ORDER BY p.number LIMIT ?",
                arguments: [limit + excluding.count]
            ).map { row in
                QueuedPrompt(
                    number: row["number"],
                    content: try decode(QueuedPrompt.Content.self, from: row["body"], id: "\(row["number"] as Int)"))
            }.filter { !excluding.contains($0.number) }.prefix(limit).map { $0 }
        }
    }

    /// Takes a prompt out of the queue for which no answers can be sampled.
    public func fail(_ prompt: QueuedPrompt, reason: String, at time: Date) throws(FeedbackError) {
        try write { database in
            try database.execute(
                sql: "INSERT OR IGNORE INTO failure (prompt, reason, created) VALUES (?, ?, ?)",
                arguments: [prompt.number, reason, Int(time.timeIntervalSince1970)])
        }
    }

    /// The prompts for which no answers could be sampled, with the reasons.
    public func failures() throws(FeedbackError) -> [(prompt: Int, reason: String)] {
        try read { database in
            try Row.fetchAll(database, sql: "SELECT prompt, reason FROM failure ORDER BY prompt").map {
                ($0["prompt"], $0["reason"])
            }
        }
    }
}
