import GRDB

/// The tables of the feedback store and their migrations.
enum FeedbackSchema {
    /// The steps from an empty file to the current tables; a released step never changes.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("comparisons and rankings") { try $0.execute(sql: comparisonsAndRankings) }
        migrator.registerMigration("feedback of people") { try $0.execute(sql: feedbackOfPeople) }
        migrator.registerMigration("images to delete") {
            // The files that a deletion has still to remove, should it be interrupted.
            try $0.execute(sql: "CREATE TABLE doomed_file (sha256 TEXT PRIMARY KEY NOT NULL) STRICT")
        }
        return migrator
    }

    /// The condition that feedback `f` was not withdrawn.
    static let stands = "NOT EXISTS (SELECT 1 FROM withdrawal WHERE withdrawal.feedback = f.number)"

    /// Rankings with their comparisons; `:kind` narrows them unless it is null.
    private static let rankings = """
        SELECT f.number, f.id, f.comparison, f.kind, f.labeler, f.tiers, f.body AS details, f.created,
            c.body, c.spread FROM feedback f JOIN comparison c ON c.id = f.comparison
        WHERE (:kind IS NULL OR f.kind = :kind)
        """

    /// The newest ranking of each comparison by each labeler.
    static let newest = """
        \(rankings) AND f.number IN (
            SELECT MAX(f.number) FROM feedback f WHERE f.form = 'ranking' AND \(stands)
            GROUP BY f.comparison, f.kind, f.labeler)
        """

    /// The first ranking of each comparison by each labeler, unless it was withdrawn.
    static let first = """
        \(rankings) AND \(stands) AND f.number IN (
            SELECT MIN(f.number) FROM feedback f WHERE f.form = 'ranking'
            GROUP BY f.comparison, f.kind, f.labeler)
        """

    /// The rankings and thumbs that no newer one of the same labeler supersedes: a ranking of the same comparison, a
    /// thumb under the same answer to the same dialogue.
    static let latest = """
        SELECT MAX(number) FROM feedback f WHERE form <> 'skip' AND \(stands)
        GROUP BY form, kind, labeler, \(subject)
        """

    /// What feedback `f` is about.
    static let subject = """
        COALESCE(comparison, json_extract(body, '$.prompt') || char(10) || json_extract(body, '$.answer'))
        """

    /// The comparisons `c` that a labeler may see: everyone's, and the labeler's own.
    static let visible = "c.spread IS NOT NULL AND (c.labeler IS NULL OR c.labeler = :labeler)"

    /// Whether `:labeler` has an opinion of one of these forms on comparison `c`.
    static func judged(_ forms: String) -> String {
        """
        EXISTS (SELECT 1 FROM feedback f WHERE f.comparison = c.id AND f.kind = 'human' AND f.labeler = :labeler
            AND f.form IN (\(forms)) AND \(stands))
        """
    }

    /// The prompts of the queue `p` that have no comparison yet and can have one.
    static let waiting = """
        NOT EXISTS (SELECT 1 FROM comparison c WHERE c.prompt = p.number)
        AND NOT EXISTS (SELECT 1 FROM failure WHERE failure.prompt = p.number)
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

    /// One table has everything that labelers say, in the order of arrival. A comparison that people are asked to rank
    /// has a `spread`; one from a file has none. Rows are deleted only while `erasing` has a row, which the deletion of
    /// a person's or an image's data adds for the length of its transaction.
    private static let feedbackOfPeople = """
        DROP TRIGGER comparison_remains;
        CREATE TABLE feedback (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            form TEXT NOT NULL CHECK (form IN ('ranking', 'skip', 'thumb')),
            comparison TEXT REFERENCES comparison (id),
            kind TEXT NOT NULL,
            labeler TEXT NOT NULL,
            tiers TEXT,
            body TEXT NOT NULL,
            created INTEGER NOT NULL,
            CHECK ((comparison IS NULL) = (form = 'thumb')),
            CHECK ((tiers IS NULL) = (form <> 'ranking'))
        ) STRICT;
        INSERT INTO feedback (number, id, form, comparison, kind, labeler, tiers, body, created)
            SELECT number, 'fb_' || lower(hex(randomblob(16))), 'ranking', comparison, kind, labeler, tiers, '{}',
            created FROM ranking ORDER BY number;
        DROP TABLE ranking;
        CREATE INDEX feedback_newest ON feedback (comparison, kind, labeler, form, number);
        CREATE INDEX feedback_labeler ON feedback (labeler, form);
        CREATE TABLE withdrawal (
            feedback INTEGER PRIMARY KEY NOT NULL REFERENCES feedback (number),
            created INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE prompt (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            body TEXT NOT NULL,
            created INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE failure (
            prompt INTEGER PRIMARY KEY NOT NULL REFERENCES prompt (number),
            reason TEXT NOT NULL,
            created INTEGER NOT NULL
        ) STRICT;
        ALTER TABLE comparison ADD COLUMN spread REAL;
        ALTER TABLE comparison ADD COLUMN labeler TEXT;
        ALTER TABLE comparison ADD COLUMN prompt INTEGER REFERENCES prompt (number);
        CREATE INDEX comparison_spread ON comparison (spread) WHERE spread IS NOT NULL;
        CREATE INDEX comparison_prompt ON comparison (prompt) WHERE prompt IS NOT NULL;
        CREATE TABLE image (
            sha256 TEXT NOT NULL,
            comparison TEXT REFERENCES comparison (id),
            feedback INTEGER REFERENCES feedback (number),
            prompt INTEGER REFERENCES prompt (number)
        ) STRICT;
        INSERT INTO image (sha256, comparison)
            SELECT json_extract(body, '$.picture.sha256'), id FROM comparison
            WHERE json_extract(body, '$.picture.sha256') IS NOT NULL;
        CREATE INDEX image_sha256 ON image (sha256);
        CREATE INDEX image_comparison ON image (comparison) WHERE comparison IS NOT NULL;
        CREATE INDEX image_feedback ON image (feedback) WHERE feedback IS NOT NULL;
        CREATE INDEX image_prompt ON image (prompt) WHERE prompt IS NOT NULL;
        CREATE TABLE erasing (begun INTEGER NOT NULL) STRICT;
        CREATE TRIGGER comparison_remains BEFORE DELETE ON comparison WHEN NOT EXISTS (SELECT 1 FROM erasing)
            BEGIN SELECT RAISE(ABORT, 'comparisons are only appended'); END;
        CREATE TRIGGER feedback_stays BEFORE UPDATE ON feedback
            BEGIN SELECT RAISE(ABORT, 'feedback is only appended'); END;
        CREATE TRIGGER feedback_remains BEFORE DELETE ON feedback WHEN NOT EXISTS (SELECT 1 FROM erasing)
            BEGIN SELECT RAISE(ABORT, 'feedback is only appended'); END;
        CREATE TRIGGER prompt_stays BEFORE UPDATE ON prompt
            BEGIN SELECT RAISE(ABORT, 'prompts are only appended'); END;
        CREATE TRIGGER prompt_remains BEFORE DELETE ON prompt WHEN NOT EXISTS (SELECT 1 FROM erasing)
            BEGIN SELECT RAISE(ABORT, 'prompts are only appended'); END;
        """
}
