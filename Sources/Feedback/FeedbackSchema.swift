import GRDB

/// The tables of the feedback store and their migrations.
enum FeedbackSchema {
    /// The steps from an empty file to the current tables; a released step never changes.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("comparisons and rankings") { try $0.execute(sql: comparisonsAndRankings) }
        return migrator
    }

    /// The newest ranking of each comparison by each labeler; `:kind` narrows it unless it is null.
    static let newest = """
        SELECT number, comparison, kind, labeler, tiers, body FROM ranking JOIN comparison ON id = comparison
        WHERE number IN (SELECT MAX(number) FROM ranking GROUP BY comparison, kind, labeler)
        AND (:kind IS NULL OR kind = :kind)
        """

    /// The triggers make the file itself refuse changes that an append-only store must not make.
    private static let comparisonsAndRankings = """
        CREATE TABLE comparison (
            id TEXT PRIMARY KEY NOT NULL,
            body TEXT NOT NULL,
            created INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE ranking (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            comparison TEXT NOT NULL REFERENCES comparison (id),
            kind TEXT NOT NULL,
            labeler TEXT NOT NULL,
            tiers TEXT NOT NULL,
            created INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX ranking_newest ON ranking (comparison, kind, labeler, number);
        CREATE TRIGGER comparison_stays BEFORE UPDATE ON comparison
            BEGIN SELECT RAISE(ABORT, 'comparisons are only appended'); END;
        CREATE TRIGGER comparison_remains BEFORE DELETE ON comparison
            BEGIN SELECT RAISE(ABORT, 'comparisons are only appended'); END;
        CREATE TRIGGER ranking_stays BEFORE UPDATE ON ranking
            BEGIN SELECT RAISE(ABORT, 'rankings are only appended'); END;
        CREATE TRIGGER ranking_remains BEFORE DELETE ON ranking
            BEGIN SELECT RAISE(ABORT, 'rankings are only appended'); END;
        """
}
