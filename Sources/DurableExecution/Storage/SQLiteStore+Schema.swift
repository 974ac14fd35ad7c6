import Foundation
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
        migrator.registerMigration("3: an index for every question, bounded upkeep") { database in
            try database.execute(sql: third)
        }
        migrator.registerMigration("4: identities as keyed hashes, queues by whom they are about") { database in
            try database.execute(sql: fourth)
            let key = Data((0..<32).map { _ in UInt8.random(in: .min ... .max) })
            try database.execute(sql: "INSERT INTO secrets (name, value) VALUES ('identities', ?)", arguments: [key])
            // Pages that earlier versions freed hold what was deleted.
            try database.execute(
                sql: "INSERT INTO meta (key, value) VALUES ('free_pages_blank', ?)",
                arguments: [try Pages.free(in: database) == 0])
        }
        migrator.registerMigration("5: what owners keep in the store") { database in
            try database.execute(sql: storeOwners)
        }
        migrator.registerMigration("6: refusals of many rules") { database in
            try database.execute(sql: RefusedGroups.schema)
        }
        migrator.registerMigration("7: pending events by queue, deliveries") { database in
            try database.execute(sql: deliveries)
        }
        migrator.registerMigration("8: versions, dry runs, held events") { database in
            try database.execute(sql: heldAndDry)
        }
        migrator.registerMigration("9: identities by event") { database in
            // Events that change places take their identities along.
            try database.execute(sql: "CREATE INDEX identities_by_event ON identities (event)")
        }
        migrator.registerMigration("10: the order in which commands were asked for") { database in
            try database.execute(sql: "ALTER TABLE journal ADD COLUMN asked INTEGER NOT NULL DEFAULT 0")
        }
        return migrator
    }

    /// From here on `identity` of `identities` and `productions` is an ``IdentityHash``, but for rows between
    /// `identities_hashed` and `identities_plain` in `meta`, which ``SQLiteStore/hashIdentities(_:)`` has still to come to.
    /// Events up to `events_without_keys` have nothing in `queue_keys`.
    private static let fourth = """
        CREATE TABLE secrets (
          name TEXT PRIMARY KEY,
          value BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE queue_keys (
          key TEXT NOT NULL,
          queue TEXT NOT NULL,
          PRIMARY KEY (key, queue)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX queue_keys_by_queue ON queue_keys (queue);

        INSERT INTO meta (key, value)
          SELECT 'identities_plain', coalesce(max(number), 0) FROM identities
          UNION ALL SELECT 'productions_plain', coalesce(max(number), 0) FROM productions
          UNION ALL SELECT 'events_without_keys', coalesce(max(sequence), 0) FROM events;
        """

    /// Partial indexes hold what is rare, so that a state is found without reading what is common.
    ///
    /// `leftovers` are deleted invocations whose journals and log lines are still there. `inboxes` names the queues,
    /// beside its own, in which an invocation may be answered.
    private static let third = """
        CREATE INDEX events_by_acceptance ON events (accepted_at);
        CREATE INDEX events_by_kind ON events (kind, sequence);
        CREATE INDEX events_unusual ON events (state, sequence) WHERE state NOT IN ('pending', 'running', 'done');
        CREATE INDEX invocations_by_queue ON invocations (queue, number);
        CREATE INDEX invocations_by_rule ON invocations (rule, number);
        CREATE INDEX invocations_unended ON invocations (state, number)
          WHERE state NOT IN ('finished', 'failed', 'cancelled');
        CREATE INDEX invocations_unsuccessful ON invocations (state, number) WHERE state IN ('failed', 'cancelled');
        CREATE INDEX invocations_unwanted ON invocations (number) WHERE cancel_request IS NOT NULL;

        CREATE TABLE leftovers (invocation INTEGER PRIMARY KEY) STRICT;

        CREATE TABLE inboxes (
          queue TEXT NOT NULL,
          invocation INTEGER NOT NULL,
          PRIMARY KEY (queue, invocation)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX inboxes_by_invocation ON inboxes (invocation);
        INSERT INTO inboxes
          SELECT DISTINCT j.inbox_queue, i.number FROM invocations i CROSS JOIN journal j ON j.invocation = i.number
          WHERE i.state NOT IN ('finished', 'failed', 'cancelled') AND j.inbox_queue != i.queue;
        """

    /// A wait whose time is over is decided once no event that came in time is pending. `deliveries` has what was given
    /// to waits, until the event is over.
    private static let deliveries = """
        CREATE TABLE deliveries (
          number INTEGER PRIMARY KEY,
          event INTEGER NOT NULL,
          invocation INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX deliveries_by_event ON deliveries (event);
        CREATE INDEX events_pending ON events (queue, sequence, occurred_at, accepted_at) WHERE state = 'pending';
        """

    /// `versions` has what the versions are made of that invocations pin. `events.awaits` is ``Awaiting`` as JSON.
    private static let heldAndDry = """
        CREATE TABLE versions (
          version TEXT PRIMARY KEY,
          content BLOB NOT NULL,
          kept_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX invocations_by_version ON invocations (version)
          WHERE state NOT IN ('finished', 'failed', 'cancelled');

        ALTER TABLE invocations ADD COLUMN dry INTEGER NOT NULL DEFAULT 0;
        CREATE INDEX invocations_dry ON invocations (number)
          WHERE dry = 1 AND state NOT IN ('finished', 'failed', 'cancelled');

        ALTER TABLE events ADD COLUMN awaits TEXT;
        ALTER TABLE events ADD COLUMN retried_at INTEGER;
        CREATE INDEX events_held ON events (queue, sequence) WHERE awaits IS NOT NULL;
        """

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
