import Datasets
import Foundation
import GRDB

/// What a deletion took out of a data folder.
public struct FeedbackDeletion: Sendable, Equatable {
    /// Rankings, skips and thumbs, withdrawn and superseded ones included.
    public internal(set) var opinions = 0
    /// Comparisons.
    public internal(set) var comparisons = 0
    /// Prompts of the queue.
    public internal(set) var prompts = 0
    /// Image files.
    public internal(set) var images = 0
    /// Files that keys had sent in advance.
    public internal(set) var uploads = 0

    /// Nothing deleted.
    public init() {}

    init(opinions: Int, comparisons: Int, prompts: Int) {
        self.opinions = opinions
        self.comparisons = comparisons
        self.prompts = prompts
    }
}

extension FeedbackFolder {
    /// Deletes everything that a person said. The comparisons that the person asked for contain the person's words, so
    /// they are deleted too, with all feedback on them. A comparison from a file is deleted if nobody else gave
    /// feedback on it. Images that nothing else uses are deleted.
    ///
    /// When this method returns, no file of the data folder contains the deleted bytes. Backups still do, and so do
    /// files that a key sent in advance, which belong to the key.
    public func delete(labeler: String) throws -> FeedbackDeletion {
        try delete { database in
            let own = "kind = 'human' AND labeler = ?"
            try database.execute(
                sql: """
                    INSERT INTO doomed_comparison SELECT id FROM comparison WHERE labeler = ?1
                    UNION SELECT id FROM comparison c WHERE spread IS NULL
                        AND EXISTS (SELECT 1 FROM feedback f WHERE f.comparison = c.id AND \(own)1)
                        AND NOT EXISTS (SELECT 1 FROM feedback f WHERE f.comparison = c.id AND NOT (\(own)1))
                    """, arguments: [labeler])
            try database.execute(
                sql: "INSERT INTO doomed_feedback SELECT number FROM feedback WHERE \(own)", arguments: [labeler])
        }
    }

    /// Deletes an image with everything that was asked and said about it, and the equal files of all keys.
    ///
    /// When this method returns, no file of the data folder contains the deleted bytes. Backups still do.
    public func delete(image digest: String) throws -> FeedbackDeletion {
        var deletion = try delete { database in
            try database.execute(
                sql: """
                    INSERT INTO doomed_prompt SELECT prompt FROM image WHERE sha256 = ?1 AND prompt IS NOT NULL;
                    """, arguments: [digest])
            try database.execute(
                sql: """
                    INSERT INTO doomed_comparison
                        SELECT comparison FROM image WHERE sha256 = ?1 AND comparison IS NOT NULL
                        UNION SELECT id FROM comparison WHERE prompt IN (SELECT number FROM doomed_prompt)
                    """, arguments: [digest])
            try database.execute(
                sql:
                    "INSERT INTO doomed_feedback SELECT feedback FROM image WHERE sha256 = ?1 AND feedback IS NOT NULL",
                arguments: [digest])
            try database.execute(sql: "INSERT INTO doomed_image VALUES (?)", arguments: [digest])
        }
        deletion.uploads = try uploads.remove(sha256: digest)
        return deletion
    }

    /// Deletes the rows that `choose` puts into the temporary tables, and then the files. An interrupted deletion may
    /// have left files: these go too.
    private func delete(_ choose: (Database) throws -> Void) throws -> FeedbackDeletion {
        var deletion = try store.write { database in
            try database.execute(sql: Self.temporaryTables)
            try choose(database)
            try database.execute(sql: Self.followers)
            let count = try FeedbackDeletion(
                opinions: Self.count("doomed_feedback", database),
                comparisons: Self.count("doomed_comparison", database),
                prompts: Self.count("doomed_prompt", database))
            try database.execute(sql: Self.deletion)
            return count
        }
        deletion.images = try store.write { database in
            let doomed = try String.fetchAll(database, sql: "SELECT sha256 FROM doomed_file ORDER BY sha256")
            let count = try removeUnused(doomed, database)
            try database.execute(sql: "DELETE FROM doomed_file")
            return count
        }
        try store.compact()
        return deletion
    }

    private static func count(_ table: String, _ database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM (SELECT DISTINCT * FROM \(table))") ?? 0
    }

    /// Kept in memory: `temp_store` says so.
    private static let temporaryTables = """
        DROP TABLE IF EXISTS temp.doomed_comparison;
        DROP TABLE IF EXISTS temp.doomed_feedback;
        DROP TABLE IF EXISTS temp.doomed_prompt;
        DROP TABLE IF EXISTS temp.doomed_image;
        CREATE TEMP TABLE doomed_comparison (id TEXT);
        CREATE TEMP TABLE doomed_feedback (number INTEGER);
        CREATE TEMP TABLE doomed_prompt (number INTEGER);
        CREATE TEMP TABLE doomed_image (sha256 TEXT);
        """

    /// What belongs to the chosen rows.
    private static let followers = """
        INSERT INTO doomed_feedback
            SELECT number FROM feedback WHERE comparison IN (SELECT id FROM doomed_comparison);
        INSERT INTO doomed_image SELECT sha256 FROM image
            WHERE comparison IN (SELECT id FROM doomed_comparison) OR prompt IN (SELECT number FROM doomed_prompt)
            OR feedback IN (SELECT number FROM doomed_feedback);
        """

    private static let deletion = """
        INSERT INTO erasing VALUES (0);
        INSERT OR IGNORE INTO doomed_file SELECT sha256 FROM doomed_image;
        DELETE FROM image
            WHERE comparison IN (SELECT id FROM doomed_comparison) OR prompt IN (SELECT number FROM doomed_prompt)
            OR feedback IN (SELECT number FROM doomed_feedback);
        DELETE FROM withdrawal WHERE feedback IN (SELECT number FROM doomed_feedback);
        DELETE FROM feedback WHERE number IN (SELECT number FROM doomed_feedback);
        DELETE FROM comparison WHERE id IN (SELECT id FROM doomed_comparison);
        DELETE FROM failure WHERE prompt IN (SELECT number FROM doomed_prompt);
        DELETE FROM prompt WHERE number IN (SELECT number FROM doomed_prompt);
        DELETE FROM erasing;
        DROP TABLE doomed_comparison;
        DROP TABLE doomed_feedback;
        DROP TABLE doomed_prompt;
        DROP TABLE doomed_image;
        """
}

extension FeedbackStore {
    /// Writes the file anew without its free pages, and empties the write-ahead log, which still has the old ones.
    fileprivate func compact() throws(FeedbackError) {
        do {
            try pool.barrierWriteWithoutTransaction { database in
                try database.execute(sql: "VACUUM")
                _ = try database.checkpoint(.truncate)
            }
        } catch {
            throw FeedbackError(error, path: path)
        }
        let log = path + "-wal"
        let size = (try? FileManager.default.attributesOfItem(atPath: log)[.size] as? Int) ?? 0
        guard size == 0 else {
            throw .unavailable(
                path: log,
                reason: "another process reads the store; the rows are deleted, but the log still has their "
                    + "bytes: repeat the command, which then finds nothing more to delete")
        }
    }
}
