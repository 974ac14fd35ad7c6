/// Databases as versions of the program left them, in the middle of things.
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
}
