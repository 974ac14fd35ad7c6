extension StoredSchemas {
    /// Schema 3: as the second, and somewhere else the held one may be answered.
    static let third =
        second + #"""

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
            INSERT INTO "inboxes" VALUES('elsewhere',196608);
            INSERT INTO "leftovers" VALUES(7);
            INSERT INTO "grdb_migrations" VALUES('3: an index for every question, bounded upkeep');
            """#

    /// Schema 4: as the third, with the first identity hashed and the second not yet.
    static let fourth =
        third + #"""

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
            INSERT INTO "secrets" VALUES('identities',X'000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F');
            UPDATE "identities" SET identity = 'UWfdFdGBZqndbKo1IvcCbw' WHERE number = 1;
            INSERT INTO "meta" VALUES('identities_plain',2);
            INSERT INTO "meta" VALUES('identities_hashed',1);
            INSERT INTO "meta" VALUES('productions_plain',1);
            INSERT INTO "meta" VALUES('events_without_keys',3);
            INSERT INTO "meta" VALUES('free_pages_blank',1);
            INSERT INTO "grdb_migrations" VALUES('4: identities as keyed hashes, queues by whom they are about');
            """#
}
