/// Databases as versions of the program left them, in the middle of things.
///
/// Kept as text, as `sqlite3 .dump` writes it, and never brought up to date: a migration is only tested by what an old
/// program really wrote. A new schema gets a new one here, of the version that is the last to write it.
enum StoredSchemas {
    /// Schema 1: one invocation interrupted after its first command, another waiting for a reply.
    static let first = #"""
        CREATE TABLE cursors (
                  name TEXT PRIMARY KEY,
                  value TEXT NOT NULL
                ) STRICT, WITHOUT ROWID;
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
        INSERT INTO "events" VALUES(1,'a','q','message','webhook',X'7B7D',1736942400000000,1736942400000000,NULL,'running',NULL,1736942400000000,NULL);
        INSERT INTO "events" VALUES(2,'b','w','message','webhook',X'7B7D',1736942400000000,1736942400000000,NULL,'done',NULL,1736942400000000,1736942400000000);
        CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
        INSERT INTO "grdb_migrations" VALUES('1: inbox, journal, store');
        CREATE TABLE identities (
                  number INTEGER PRIMARY KEY,
                  identity TEXT NOT NULL UNIQUE,
                  event INTEGER NOT NULL,
                  at INTEGER NOT NULL
                ) STRICT;
        INSERT INTO "identities" VALUES(1,'a',1,1736942400000000);
        INSERT INTO "identities" VALUES(2,'b',2,1736942400000000);
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
        INSERT INTO "invocations" VALUES(65536,1,'q','rule','1','running',NULL,NULL,1,1736942400000000,1736942400000000,NULL,NULL);
        INSERT INTO "invocations" VALUES(131072,2,'w','waiter','1','waiting',NULL,NULL,1,1736942400000000,1736942400000000,1736949600000000,NULL);
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
        INSERT INTO "journal" VALUES(65536,0,'send',X'7B226E616D65223A2273656E64227D','once','rules/a.lua:7','succeeded',X'226F6B22',NULL,NULL,1,1736942400000000,1736942400000000,NULL,NULL);
        INSERT INTO "journal" VALUES(65536,1,'tag',X'7B226E616D65223A22746167227D','repeatable','rules/a.lua:7','intended',NULL,NULL,NULL,1,1736942400000000,NULL,NULL,NULL);
        INSERT INTO "journal" VALUES(131072,0,'wait',X'227265706C7922','wait','rules/a.lua:7','waiting',NULL,NULL,NULL,1,1736942400000000,NULL,'w',NULL);
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
        INSERT INTO "logs" VALUES(1,65536,0,'info','before send',NULL,NULL,1736942400000000);
        CREATE TABLE meta (
                  key TEXT PRIMARY KEY,
                  value INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID;
        INSERT INTO "meta" VALUES('epoch',3);
        CREATE TABLE refusals (
                  event INTEGER PRIMARY KEY,
                  list TEXT NOT NULL
                ) STRICT;
        CREATE TABLE store (
                  scope TEXT NOT NULL,
                  key TEXT NOT NULL,
                  value BLOB NOT NULL,
                  expires_at INTEGER,
                  PRIMARY KEY (scope, key)
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
        INSERT INTO "waits" VALUES(1,1,131072,0,'w',2,1736949600000000,0);
        CREATE INDEX events_by_queue ON events (queue, sequence);
        CREATE INDEX events_open ON events (sequence) WHERE state IN ('pending', 'running');
        CREATE INDEX invocations_by_event ON invocations (event);
        CREATE INDEX invocations_due ON invocations (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
        CREATE INDEX invocations_queued ON invocations (queue, rule, number) WHERE state = 'queued';
        CREATE INDEX invocations_live ON invocations (queue, rule) WHERE state NOT IN ('finished', 'failed', 'cancelled');
        CREATE INDEX waits_by_queue ON waits (queue, opened);
        CREATE INDEX logs_by_invocation ON logs (invocation);
        CREATE INDEX store_ends ON store (expires_at) WHERE expires_at IS NOT NULL;
        """#

    /// Schema 2: as the first; besides, an invocation held by a pause, and an event that ran when a process ended.
    static let second = #"""
        CREATE TABLE crashes (
          event INTEGER PRIMARY KEY,
          count INTEGER NOT NULL
        ) STRICT;
        INSERT INTO "crashes" VALUES(1,1);
        CREATE TABLE cursors (
          name TEXT PRIMARY KEY,
          value TEXT NOT NULL
          ) STRICT, WITHOUT ROWID;
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
        INSERT INTO "events" VALUES(1,'a','q','message','webhook',X'7B7D',1736942400000000,1736942400000000,NULL,'running',NULL,1736942400000000,NULL);
        INSERT INTO "events" VALUES(2,'b','w','message','webhook',X'7B7D',1736942400000000,1736942400000000,NULL,'done',NULL,1736942400000000,1736942400000000);
        INSERT INTO "events" VALUES(3,'c','h','message','webhook',X'7B7D',1736942400000000,1736942400000000,NULL,'done',NULL,1736942400000000,1736942400000000);
        CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
        INSERT INTO "grdb_migrations" VALUES('1: inbox, journal, store');
        INSERT INTO "grdb_migrations" VALUES('2: holds, pauses, causes, crashes');
        CREATE TABLE identities (
          number INTEGER PRIMARY KEY,
          identity TEXT NOT NULL UNIQUE,
          event INTEGER NOT NULL,
          at INTEGER NOT NULL
          ) STRICT;
        INSERT INTO "identities" VALUES(1,'a',1,1736942400000000);
        INSERT INTO "identities" VALUES(2,'b',2,1736942400000000);
        INSERT INTO "identities" VALUES(3,'c',3,1736942400000000);
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
          , hold_key TEXT, cancel_request TEXT) STRICT;
        INSERT INTO "invocations" VALUES(65536,1,'q','rule','1','running',NULL,NULL,1,1736942400000000,1736942400000000,NULL,NULL,NULL,NULL);
        INSERT INTO "invocations" VALUES(131072,2,'w','waiter','1','waiting',NULL,NULL,1,1736942400000000,1736942400000000,1736949600000000,NULL,NULL,NULL);
        INSERT INTO "invocations" VALUES(196608,3,'h','held','1','held','paused by ada',NULL,1,1736942400000000,1736942400000000,NULL,NULL,'rule:held',NULL);
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
          inbox_place INTEGER, held_at INTEGER, held_for INTEGER NOT NULL DEFAULT 0,
          PRIMARY KEY (invocation, position)
          ) STRICT, WITHOUT ROWID;
        INSERT INTO "journal" VALUES(65536,0,'send',X'7B226E616D65223A2273656E64227D','once','rules/a.lua:7','succeeded',X'226F6B22',NULL,NULL,1,1736942400000000,1736942400000000,NULL,NULL,NULL,0);
        INSERT INTO "journal" VALUES(65536,1,'tag',X'7B226E616D65223A22746167227D','repeatable','rules/a.lua:7','intended',NULL,NULL,NULL,1,1736942400000000,NULL,NULL,NULL,NULL,0);
        INSERT INTO "journal" VALUES(131072,0,'wait',X'227265706C7922','wait','rules/a.lua:7','waiting',NULL,NULL,NULL,1,1736942400000000,NULL,'w',NULL,NULL,0);
        INSERT INTO "journal" VALUES(196608,0,'post',X'7B226E616D65223A22706F7374227D','once','rules/a.lua:7','held',NULL,NULL,NULL,0,1736942400000000,NULL,NULL,NULL,1736942400000000,5000000);
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
        INSERT INTO "logs" VALUES(1,65536,0,'info','before send',NULL,NULL,1736942400000000);
        CREATE TABLE meta (
          key TEXT PRIMARY KEY,
          value INTEGER NOT NULL
          ) STRICT, WITHOUT ROWID;
        INSERT INTO "meta" VALUES('epoch',3);
        CREATE TABLE pauses (
          subject TEXT PRIMARY KEY,
          reason TEXT NOT NULL,
          at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        INSERT INTO "pauses" VALUES('rule:held','by ada',1736942400000000);
        CREATE TABLE productions (
          number INTEGER PRIMARY KEY,
          identity TEXT NOT NULL UNIQUE,
          invocation INTEGER NOT NULL,
          at INTEGER NOT NULL
        ) STRICT;
        INSERT INTO "productions" VALUES(1,'echo',65536,1736942400000000);
        CREATE TABLE refusals (
          event INTEGER PRIMARY KEY,
          list TEXT NOT NULL
          ) STRICT;
        CREATE TABLE store (
          scope TEXT NOT NULL,
          key TEXT NOT NULL,
          value BLOB NOT NULL,
          expires_at INTEGER,
          PRIMARY KEY (scope, key)
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
        INSERT INTO "waits" VALUES(1,1,131072,0,'w',2,1736949600000000,0);
        CREATE INDEX events_by_queue ON events (queue, sequence);
        CREATE INDEX events_open ON events (sequence) WHERE state IN ('pending', 'running');
        CREATE INDEX invocations_by_event ON invocations (event);
        CREATE INDEX invocations_due ON invocations (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
        CREATE INDEX invocations_queued ON invocations (queue, rule, number) WHERE state = 'queued';
        CREATE INDEX invocations_live ON invocations (queue, rule) WHERE state NOT IN ('finished', 'failed', 'cancelled');
        CREATE INDEX waits_by_queue ON waits (queue, opened);
        CREATE INDEX logs_by_invocation ON logs (invocation);
        CREATE INDEX store_ends ON store (expires_at) WHERE expires_at IS NOT NULL;
        CREATE INDEX invocations_held ON invocations (hold_key, number) WHERE hold_key IS NOT NULL;
        """#

    /// What came after the fourth: what owners keep in the store, and lists of rules for refusals.
    static let owners =
        fourth + #"""

            CREATE TABLE store_owners (
              owner TEXT PRIMARY KEY,
              keys INTEGER NOT NULL,
              bytes INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;

            CREATE TRIGGER store_added AFTER INSERT ON store BEGIN
              INSERT INTO store_owners (owner, keys, bytes)
              VALUES (iif(instr(NEW.scope, '/') = 0 OR instr(substr(NEW.scope, instr(NEW.scope, '/') + 1), '/') = 0, NEW.scope,
                substr(NEW.scope, 1, instr(NEW.scope, '/') + instr(substr(NEW.scope, instr(NEW.scope, '/') + 1), '/') - 1)), 1, length(CAST(NEW.key AS BLOB)) + length(NEW.value))
              ON CONFLICT DO UPDATE SET keys = keys + 1, bytes = bytes + excluded.bytes;
            END;

            CREATE TRIGGER store_changed AFTER UPDATE OF value ON store BEGIN
              UPDATE store_owners SET bytes = bytes + length(NEW.value) - length(OLD.value)
              WHERE owner = iif(instr(NEW.scope, '/') = 0 OR instr(substr(NEW.scope, instr(NEW.scope, '/') + 1), '/') = 0, NEW.scope,
                substr(NEW.scope, 1, instr(NEW.scope, '/') + instr(substr(NEW.scope, instr(NEW.scope, '/') + 1), '/') - 1));
            END;

            CREATE TRIGGER store_removed AFTER DELETE ON store BEGIN
              UPDATE store_owners
              SET keys = keys - 1, bytes = bytes - length(CAST(OLD.key AS BLOB)) - length(OLD.value)
              WHERE owner = iif(instr(OLD.scope, '/') = 0 OR instr(substr(OLD.scope, instr(OLD.scope, '/') + 1), '/') = 0, OLD.scope,
                substr(OLD.scope, 1, instr(OLD.scope, '/') + instr(substr(OLD.scope, instr(OLD.scope, '/') + 1), '/') - 1));
              DELETE FROM store_owners WHERE owner = iif(instr(OLD.scope, '/') = 0 OR instr(substr(OLD.scope, instr(OLD.scope, '/') + 1), '/') = 0, OLD.scope,
                substr(OLD.scope, 1, instr(OLD.scope, '/') + instr(substr(OLD.scope, instr(OLD.scope, '/') + 1), '/') - 1)) AND keys = 0;
            END;

            CREATE TABLE rule_lists (
              number INTEGER PRIMARY KEY,
              name TEXT NOT NULL UNIQUE,
              entries TEXT NOT NULL,
              used_at INTEGER NOT NULL
            ) STRICT;
            CREATE INDEX rule_lists_by_use ON rule_lists (used_at);
            INSERT INTO grdb_migrations VALUES('5: what owners keep in the store');
            INSERT INTO grdb_migrations VALUES('6: refusals of many rules');
            """#

    /// What came after the sixth: as that, with an event under way that was given to a wait.
    static let deliveries =
        owners + #"""

            INSERT INTO "grdb_migrations" VALUES('7: pending events by queue, deliveries');
            CREATE TABLE deliveries (
              number INTEGER PRIMARY KEY,
              event INTEGER NOT NULL,
              invocation INTEGER NOT NULL
            ) STRICT;
            CREATE INDEX deliveries_by_event ON deliveries (event);
            CREATE INDEX events_pending ON events (queue, sequence, occurred_at, accepted_at) WHERE state = 'pending';
            INSERT INTO "deliveries" VALUES(1,2,65536);
            """#

    /// What came after the seventh: as that, with the content of a version.
    static let held =
        deliveries + #"""

            INSERT INTO "grdb_migrations" VALUES('8: versions, dry runs, held events');
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
            INSERT INTO "versions" VALUES('1',X'01',1788260400000000);
            """#

    /// What came after the eighth.
    static let arranging =
        held + #"""

            INSERT INTO "grdb_migrations" VALUES('9: identities by event');
            CREATE INDEX identities_by_event ON identities (event);
            """#

    /// What came after the ninth.
    static let asking =
        arranging + #"""

            INSERT INTO "grdb_migrations" VALUES('10: the order in which commands were asked for');
            ALTER TABLE journal ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;
            """#

    /// In the order of their versions.
    static let all = [first, second, third, fourth, owners, deliveries, held, arranging, asking]
    static var newest: String { asking }
}
