import DurableExecution
import Foundation
import GRDB

/// A database as weeks of work leave it, written by SQLite itself, since the engine would take hours.
enum LargeDatabase {
    private static let chunk = 100_000
    private static let span = 40 * 86_400

    static func make(at path: String, events: Int) throws {
        // For the schema.
        _ = try SQLiteStore(path: path)
        let database = try DatabaseQueue(path: path)
        try database.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000")
        }
        let start = Int64((Date().timeIntervalSince1970 - Double(span)) * 1_000_000)
        let step = Int64(span) * 1_000_000 / Int64(events)
        for first in stride(from: 1, through: events, by: chunk) {
            try database.write { database in
                for statement in statements {
                    try database.execute(
                        sql: statement,
                        arguments: [
                            "first": first, "last": min(first + chunk - 1, events), "start": start, "step": step,
                        ])
                }
            }
        }
        try database.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
    }

    private static let numbers = """
        WITH RECURSIVE numbers (n, at) AS (
          SELECT :first, :start + :first * :step UNION ALL SELECT n + 1, at + :step FROM numbers WHERE n < :last)
        """

    /// One event of 500 is waited for, and one of 1000 failed.
    private static let statements = [
        """
        INSERT INTO events (sequence, identity, queue, kind, source, payload, occurred_at, accepted_at, state, matched_at,
          ended_at)
        \(numbers) SELECT n, 'message:msg_' || n, 'conv_' || (n % 1000), 'message', 'webhook',
          CAST('{"message":' || n || ',"body":"' || hex(randomblob(80)) || '"}' AS BLOB), at, at,
          CASE n % 1000 WHEN 1 THEN 'failed' ELSE 'done' END, at, at FROM numbers
        """,
        """
        INSERT INTO invocations (number, event, queue, rule, version, state, attempt, created_at, updated_at, result)
        \(numbers) SELECT n * 65536, n, 'conv_' || (n % 1000), 'bench/pack:rule', '1',
          CASE WHEN n % 500 = 0 AND n > :last - 10000 THEN 'waiting' WHEN n % 1000 = 3 THEN 'failed' ELSE 'finished' END,
          1, at, at, CAST('1' AS BLOB) FROM numbers
        """,
        """
        INSERT INTO journal (invocation, position, name, input, effect, state, outcome, attempts, intended_at, ended_at,
          held_for)
        \(numbers) SELECT n * 65536, position, 'message.send', CAST('{"body":"' || hex(randomblob(30)) || '"}' AS BLOB),
          'once', 'succeeded', CAST('{"id":"msg_' || n || '"}' AS BLOB), 1, at, at, 0
          FROM numbers, (SELECT 0 AS position UNION ALL SELECT 1)
        """,
        """
        INSERT INTO identities (identity, event, at)
        \(numbers) SELECT substr(hex(randomblob(11)), 1, 22), n, at FROM numbers, (SELECT 0 UNION ALL SELECT 1)
        """,
    ]
}
