import GRDB

extension SQLiteStore {
    /// The schema, as steps from an empty file. A step that was released is never changed; a new one follows it.
    ///
    /// Times are microseconds since 1970 (``Date/microseconds``), JSON of callers is kept as the bytes given, failures as JSON text.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: inbox, journal, store") { database in
            try database.execute(sql: inbox)
            try database.execute(sql: journal)
            try database.execute(sql: rest)
        }
        migrator.registerMigration("2: holds, pauses, causes, crashes") { database in
            try database.execute(sql: second)
        }
        migrator.registerMigration("3: identities by event") { database in
            // Events that change places take their identities along.
            try database.execute(sql: "CREATE INDEX identities_by_event ON identities (event)")
        }
        return migrator
    }

    /// `productions` names events that are to come, or came, and the invocation whose effect they are.
    private static let second = """
        ALTER TABLE invocations ADD COLUMN hold_key TEXT;
        ALTER TABLE invocations ADD COLUMN cancel_request TEXT;
        CREATE INDEX invocations_held ON invocations (hold_key, number) WHERE hold_key IS NOT NULL;
        ALTER TABLE journal ADD COLUMN held_at INTEGER;
        ALTER TABLE journal ADD COLUMN held_for INTEGER NOT NULL DEFAULT 0;

        CREATE TABLE pauses (
          subject TEXT PRIMARY KEY,
          reason TEXT NOT NULL,
          at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE productions (
          number INTEGER PRIMARY KEY,
          identity TEXT NOT NULL UNIQUE,
          invocation INTEGER NOT NULL,
          at INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE crashes (
          event INTEGER PRIMARY KEY,
          count INTEGER NOT NULL
        ) STRICT;
        """

    /// `identities` has a row number so that old ones can be found in the order of their age without a second index.
    private static let inbox = """
        CREATE TABLE events (
          sequence INTEGER PRIMARY KEY AUTOINCREMENT,
          identity TEXT NOT NULL,
          queue TEXT NOT NULL,
          kind TEXT NOT NULL,
          source TEXT NOT NULL,
          payload BLOB NOT NULL,
          occurred_at INTEGER NOT NULL,
          accepted_at INTEGER NOT NULL,
          cause TEXT,
          state TEXT NOT NULL,
          note TEXT,
          matched_at INTEGER,
          ended_at INTEGER
        ) STRICT;
        CREATE INDEX events_by_queue ON events (queue, sequence);
        CREATE INDEX events_open ON events (sequence) WHERE state IN ('pending', 'running');

        CREATE TABLE identities (
          number INTEGER PRIMARY KEY,
          identity TEXT NOT NULL UNIQUE,
          event INTEGER NOT NULL,
          at INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE refusals (
          event INTEGER PRIMARY KEY,
          list TEXT NOT NULL
        ) STRICT;
        """

    /// `invocations.number` is ``InvocationID/number``.
    private static let journal = """
        CREATE TABLE invocations (
          number INTEGER PRIMARY KEY,
          event INTEGER NOT NULL,
          queue TEXT NOT NULL,
          rule TEXT NOT NULL,
          version TEXT NOT NULL,
          state TEXT NOT NULL,
          reason TEXT,
          failure TEXT,
          attempt INTEGER NOT NULL,
          created_at INTEGER NOT NULL,
          updated_at INTEGER NOT NULL,
          next_attempt_at INTEGER,
          result BLOB
        ) STRICT;
        CREATE INDEX invocations_by_event ON invocations (event);
        CREATE INDEX invocations_due ON invocations (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
        CREATE INDEX invocations_queued ON invocations (queue, rule, number) WHERE state = 'queued';
        CREATE INDEX invocations_live ON invocations (queue, rule) WHERE state NOT IN ('finished', 'failed', 'cancelled');

        CREATE TABLE journal (
          invocation INTEGER NOT NULL,
          position INTEGER NOT NULL,
          name TEXT NOT NULL,
          input BLOB NOT NULL,
          effect TEXT NOT NULL,
          location TEXT,
          state TEXT NOT NULL,
          outcome BLOB,
          failure TEXT,
          checkpoint BLOB,
          attempts INTEGER NOT NULL,
          intended_at INTEGER NOT NULL,
          ended_at INTEGER,
          inbox_queue TEXT,
          inbox_place INTEGER,
          PRIMARY KEY (invocation, position)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE waits (
          number INTEGER PRIMARY KEY AUTOINCREMENT,
          opened INTEGER NOT NULL,
          invocation INTEGER NOT NULL UNIQUE,
          position INTEGER NOT NULL,
          queue TEXT,
          since INTEGER NOT NULL,
          deadline INTEGER,
          exclusive INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX waits_by_queue ON waits (queue, opened);

        CREATE TABLE logs (
          number INTEGER PRIMARY KEY,
          invocation INTEGER NOT NULL,
          position INTEGER NOT NULL,
          level TEXT NOT NULL,
          message TEXT NOT NULL,
          fields BLOB,
          location TEXT,
          at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX logs_by_invocation ON logs (invocation);
        """

    private static let rest = """
        CREATE TABLE store (
          scope TEXT NOT NULL,
          key TEXT NOT NULL,
          value BLOB NOT NULL,
          expires_at INTEGER,
          PRIMARY KEY (scope, key)
        ) STRICT, WITHOUT ROWID;

        CREATE INDEX store_ends ON store (expires_at) WHERE expires_at IS NOT NULL;

        CREATE TABLE cursors (
          name TEXT PRIMARY KEY,
          value TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE meta (
          key TEXT PRIMARY KEY,
          value INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """
}
