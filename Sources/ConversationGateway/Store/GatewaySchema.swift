import GRDB

/// The database's tables, by version. Times are microseconds since 1970.
///
/// Rows are found by `row`, an integer, inside the database, and by `id`, a text, from outside. Messages come from the
/// database by (conversation, received_at), conversations by activity; both are indexes, so a page costs the same
/// whatever there is besides.
enum GatewaySchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try database.execute(sql: project)
            try database.execute(sql: threads)
            try database.execute(sql: webhooks)
        }
        migrator.registerMigration("2") { database in
            try database.execute(sql: contacts)
        }
        migrator.registerMigration("3") { database in
            try database.execute(sql: groups)
        }
        return migrator
    }

    private static let project = """
        CREATE TABLE agent (
            row INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            description TEXT,
            settings TEXT NOT NULL DEFAULT '{}',
            created_at INTEGER NOT NULL
        ) STRICT;

        -- sms_registered: whether 10DLC lets it send SMS. status: active, or released.
        CREATE TABLE number (
            row INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            phone_number TEXT NOT NULL UNIQUE,
            agent_row INTEGER REFERENCES agent(row) ON DELETE SET NULL,
            country TEXT NOT NULL,
            imessage INTEGER NOT NULL,
            sms_registered INTEGER NOT NULL,
            status TEXT NOT NULL,
            created_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX number_by_agent ON number(agent_row, row);

        -- A simulated phone of the outside world.
        CREATE TABLE phone (
            address TEXT PRIMARY KEY,
            imessage INTEGER NOT NULL,
            created_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE setting (
            name TEXT PRIMARY KEY,
            value TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;

        -- Counts that would otherwise cost a scan; kept by triggers.
        CREATE TABLE tally (
            name TEXT PRIMARY KEY,
            count INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        INSERT INTO tally VALUES ('conversation', 0);
        """

    private static let threads = """
        CREATE TABLE conversation (
            row INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            agent_row INTEGER REFERENCES agent(row) ON DELETE SET NULL,
            number_row INTEGER NOT NULL REFERENCES number(row),
            participant TEXT NOT NULL,
            metadata TEXT,
            message_count INTEGER NOT NULL DEFAULT 0,
            last_message_at INTEGER,
            last_message_preview TEXT,
            -- last_message_at, or created_at where there is no message yet.
            active_at INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            UNIQUE (number_row, participant)
        ) STRICT;
        CREATE INDEX conversation_by_activity ON conversation(active_at, row);
        CREATE INDEX conversation_by_agent ON conversation(agent_row, active_at, row);

        CREATE TRIGGER conversation_added AFTER INSERT ON conversation BEGIN
            UPDATE tally SET count = count + 1 WHERE name = 'conversation';
        END;
        CREATE TRIGGER conversation_removed AFTER DELETE ON conversation BEGIN
            UPDATE tally SET count = count - 1 WHERE name = 'conversation';
        END;

        CREATE TABLE message (
            row INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            conversation_row INTEGER NOT NULL REFERENCES conversation(row),
            number_row INTEGER NOT NULL REFERENCES number(row),
            direction TEXT NOT NULL,
            channel TEXT NOT NULL,
            from_number TEXT NOT NULL,
            to_number TEXT NOT NULL,
            body TEXT NOT NULL,
            -- A JSON list; null for none.
            media_urls TEXT,
            reply_to TEXT,
            send_style TEXT,
            sender TEXT,
            received_at INTEGER NOT NULL,
            -- No two messages of a conversation share an instant: pages by time neither skip nor repeat.
            UNIQUE (conversation_row, received_at)
        ) STRICT;
        CREATE INDEX message_by_number ON message(number_row, received_at);

        -- One reaction by each side at a message; a new one takes the place of the old.
        CREATE TABLE reaction (
            row INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            message_row INTEGER NOT NULL REFERENCES message(row),
            type TEXT NOT NULL,
            from_number TEXT NOT NULL,
            direction TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            UNIQUE (message_row, from_number)
        ) STRICT;
        """

    private static let webhooks = """
        -- scope: '' for the project's webhook, an agent's id for its own.
        CREATE TABLE webhook (
            scope TEXT PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            url TEXT NOT NULL,
            secret TEXT NOT NULL,
            context_limit INTEGER NOT NULL,
            timeout INTEGER NOT NULL,
            created_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE delivery (
            row INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            scope TEXT NOT NULL,
            event TEXT NOT NULL,
            channel TEXT NOT NULL,
            message_id TEXT,
            conversation_row INTEGER,
            -- The body, the same at every attempt; null once it was taken.
            payload TEXT,
            status TEXT NOT NULL,
            http_status INTEGER,
            error_message TEXT,
            response_body TEXT,
            attempt_count INTEGER NOT NULL DEFAULT 0,
            last_attempt_at INTEGER,
            next_attempt_at INTEGER,
            created_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX delivery_due ON delivery(scope, next_attempt_at, row) WHERE status = 'pending';
        CREATE INDEX delivery_by_time ON delivery(created_at, row);
        """

    private static let groups = """
        -- A conversation of several; its participant is the group's id. members: a JSON list of addresses.
        CREATE TABLE chat_group (
            row INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            conversation_row INTEGER NOT NULL UNIQUE REFERENCES conversation(row),
            name TEXT,
            members TEXT NOT NULL
        ) STRICT;
        """

    private static let contacts = """
        CREATE TABLE contact (
            row INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            phone_number TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            email TEXT,
            notes TEXT,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL
        ) STRICT;

        -- For lists and counts of one webhook's deliveries by time.
        DROP INDEX delivery_by_time;
        CREATE INDEX delivery_by_scope ON delivery(scope, created_at, row);
        """
}
