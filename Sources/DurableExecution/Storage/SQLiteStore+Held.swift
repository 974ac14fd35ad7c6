public import Foundation
import GRDB

/// Events that wait for what was missing when they had their turn.
extension SQLiteStore {
    public func takeUpHeld(
        _ key: String, event: Int64?, limit: Int, epoch: Epoch
    ) async throws(EngineError) -> [Event] {
        try await commits.submit { transaction in
            try transaction.check(epoch)
            let database = transaction.database
            let held = try Event.fetch(
                database,
                """
                INDEXED BY events_held
                WHERE awaits IS NOT NULL AND state = 'held' AND sequence = coalesce(?, sequence)
                  AND EXISTS (SELECT 1 FROM json_each(awaits, '$.keys') WHERE value = ?)
                ORDER BY queue, sequence LIMIT ?
                """, [event, key, limit])
            let update = try database.cachedStatement(
                sql: "UPDATE events SET state = 'running', note = NULL, ended_at = NULL WHERE sequence = ?")
            return try held.map { event in
                try update.execute(arguments: [event.sequence])
                var event = event
                event.state = .running
                event.note = nil
                return event
            }
        }
    }

    public func expireHeld(
        before time: Date, note: String, limit: Int, epoch: Epoch
    ) async throws(EngineError) -> Int {
        try await commits.submit { transaction in
            try transaction.check(epoch)
            try transaction.database.execute(
                sql: """
                    UPDATE events SET state = 'expired', note = ? WHERE sequence IN (
                      SELECT sequence FROM events INDEXED BY events_held WHERE awaits IS NOT NULL AND state = 'held'
                        AND max(occurred_at, coalesce(retried_at, 0)) < ? LIMIT ?)
                    """, arguments: [note, time.microseconds, limit])
            return transaction.database.changesCount
        }
    }

    public func lookAgain(dry isDry: Bool, at time: Date, epoch: Epoch) async throws(EngineError) {
        try await commits.submit { transaction in
            try transaction.check(epoch)
            try transaction.database.execute(
                sql: """
                    UPDATE invocations SET next_attempt_at = ? WHERE state = 'waiting' AND dry = ? AND number IN (
                      SELECT invocation FROM waits WHERE EXISTS (
                        SELECT 1 FROM events WHERE queue = waits.queue AND sequence > waits.since))
                    """, arguments: [time.microseconds, isDry])
        }
    }

    public func awaited(in queue: String?, before sequence: Int64?) async throws(EngineError) -> Set<String> {
        try await read { database in
            let place = queue == nil ? "" : "AND queue = ? AND sequence < ?"
            let select = try database.cachedStatement(
                sql: """
                    SELECT DISTINCT value FROM events INDEXED BY events_held, json_each(awaits, '$.keys')
                    WHERE awaits IS NOT NULL AND state IN ('held', 'running') \(place)
                    """)
            let arguments: StatementArguments = queue.map { [$0, sequence ?? .max] } ?? []
            return try String.fetchSet(select, arguments: arguments)
        }
    }
}

extension Awaiting {
    /// - Throws: ``EngineError``, `corrupted`, for text that is none.
    init?(stored text: String?) throws {
        guard let text else { return nil }
        do {
            self = try JSONDecoder().decode(Awaiting.self, from: Data(text.utf8))
        } catch {
            throw EngineError(.corrupted, "what an event awaits can't be read: \(text)", cause: error)
        }
    }

    var stored: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }
}
