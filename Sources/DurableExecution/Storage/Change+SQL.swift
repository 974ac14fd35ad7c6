import Foundation
import GRDB

extension Change {
    func apply(in database: Database, _ inbox: Inbox) throws {
        switch self {
        case .event(let sequence, let state, let note, let time):
            let update = try database.cachedStatement(
                sql: "UPDATE events SET state = ?, note = ?, ended_at = ? WHERE sequence = ? AND state != 'forgotten'")
            let end = state.isOpen ? nil : time.microseconds
            try update.execute(arguments: [state.rawValue, note, end, sequence])
            if !state.isOpen { try Waiting.removeDeliveries(of: sequence, in: database) }
        case .matched(let event, let payload, let starts, let refusals, let time):
            try Self.match(event, payload, starts, refusals, time, in: database)
        case .entry(let entry):
            try entry.upsert(in: database)
        case .logs(let invocation, let position, let lines, let time):
            let number = try InvocationID.number(of: invocation)
            for line in lines { try line.insert(number, position, time, in: database) }
        case .invocation(let invocation):
            try invocation.upsert(in: database)
            if invocation.state.isEnded { try invocation.releaseNext(in: database) }
        case .wait(let waiting):
            try waiting.register(in: database)
        case .endWait(let invocation):
            try Waiting.remove(of: InvocationID.number(of: invocation), in: database)
        case .deliver(let event, let waiting, let outcome, let time):
            try waiting.deliver(event, outcome: outcome, at: time, in: database)
        case .due(let invocation, let time):
            try Invocation.makeDue(InvocationID.number(of: invocation), at: time, in: database)
        case .requestCancel(let invocation, let reason):
            try Invocation.requestCancel(InvocationID.number(of: invocation), because: reason, in: database)
        case .cancel(let invocation, let reason, let time):
            try Invocation.cancel(InvocationID.number(of: invocation), because: reason, at: time, in: database)
        case .clearJournal(let invocation):
            let number = try InvocationID.number(of: invocation)
            try database.execute(sql: "DELETE FROM journal WHERE invocation = ?", arguments: [number])
            try database.execute(sql: "DELETE FROM logs WHERE invocation = ?", arguments: [number])
        case .refused, .store, .fact, .pause, .resume, .produced, .survived, .reopen, .awaits, .hastenRetries, .expect:
            try applyOther(in: database, inbox)
        }
    }

    private func applyOther(in database: Database, _ inbox: Inbox) throws {
        switch self {
        case .refused(let event, let each, let rest, let time):
            try rest.insert(for: event, with: each, at: time, in: database)
        case .store(let operation, let time):
            try Self.perform(operation, at: time, in: database)
        case .fact(let fact):
            try fact.keep(in: database, inbox.hash)
        case .pause(let pause):
            try pause.upsert(in: database)
        case .resume(let subject):
            try database.cachedStatement(sql: "DELETE FROM pauses WHERE subject = ?").execute(arguments: [subject])
        case .produced(let identities, let invocation, let time):
            try inbox.produce(identities, by: invocation, at: time, in: database)
        case .survived(let event):
            try database.cachedStatement(sql: "DELETE FROM crashes WHERE event = ?").execute(arguments: [event])
        case .reopen(let event, let time):
            try Crashes.reopen(event, at: time, in: database)
        case .hastenRetries(let step, let time):
            try database.execute(
                sql: """
                    UPDATE invocations SET next_attempt_at = max(next_attempt_at - ?, ?)
                    WHERE number IN (
                      SELECT number FROM invocations INDEXED BY invocations_unended
                      WHERE state = 'retrying' AND state NOT IN ('finished', 'failed', 'cancelled')
                        AND next_attempt_at > ?)
                    """, arguments: [step.microseconds, time.microseconds, time.microseconds])
        case .awaits(let event, let awaiting):
            try database.cachedStatement(sql: "UPDATE events SET awaits = ? WHERE sequence = ?")
                .execute(arguments: [try awaiting?.stored, event])
        case .expect(let expectation):
            try expectation.check(in: database)
        default:
            preconditionFailure("the other cases are applied by apply(in:_:)")
        }
    }

    private static func perform(_ operation: StoreOperation, at time: Date, in database: Database) throws {
        do throws(StoreOperation.Refusal) {
            _ = try operation.perform(within: nil, at: time, in: database)
        } catch {
            switch error {
            case .refused(let failure): throw EngineError(.badInput, failure.message, cause: failure)
            case .database(let error): throw error
            }
        }
    }

    private static func match(
        _ event: Int64, _ payload: Data?, _ starts: [Invocation], _ refusals: [Refusal], _ time: Date,
        in database: Database
    ) throws {
        let update = try database.cachedStatement(
            sql: """
                UPDATE events SET state = 'running', matched_at = ?, payload = coalesce(?, payload)
                WHERE sequence = ? AND state IN ('pending', 'running')
                """)
        try update.execute(arguments: [time.microseconds, payload, event])
        guard database.changesCount == 1 else { throw EngineError(.conflict, "event \(event) is over") }
        for start in starts {
            try start.upsert(in: database)
            if start.state == .queued { try start.releaseNext(in: database) }
        }
        guard !refusals.isEmpty else { return }
        let insert = try database.cachedStatement(
            sql: "INSERT INTO refusals (event, list) VALUES (?, ?) ON CONFLICT DO UPDATE SET list = excluded.list")
        try insert.execute(arguments: [event, StoredRefusal.encode(refusals)])
    }
}

extension JournalEntry {
    fileprivate func upsert(in database: Database) throws {
        let insert = try database.cachedStatement(
            sql: """
                INSERT INTO journal (invocation, position, name, input, effect, location, state, outcome, failure,
                  checkpoint, attempts, intended_at, ended_at, inbox_queue, inbox_place, held_at, held_for, asked)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET state = excluded.state, outcome = excluded.outcome, failure = excluded.failure,
                  checkpoint = excluded.checkpoint, attempts = excluded.attempts, ended_at = excluded.ended_at,
                  inbox_queue = coalesce(excluded.inbox_queue, inbox_queue),
                  inbox_place = CASE effect WHEN 'once' THEN coalesce(inbox_place, excluded.inbox_place)
                    ELSE coalesce(excluded.inbox_place, inbox_place) END,
                  held_at = excluded.held_at, held_for = excluded.held_for
                """)
        try insert.execute(arguments: [
            InvocationID.number(of: invocation), position, name, input, effect, location, state.rawValue, outcome,
            failure.map(StoredCommandFailure.encode), checkpoint, attempts, intendedAt.microseconds,
            endedAt?.microseconds, inboxQueue, try place(in: database), heldAt?.microseconds, heldFor.microseconds,
            asked,
        ])
        if let inboxQueue { try note(inboxQueue, in: database) }
    }

    /// Notes that the invocation is answered in a queue that is not its own, so that what comes there is kept for it.
    private func note(_ queue: String, in database: Database) throws {
        let insert = try database.cachedStatement(
            sql: """
                INSERT INTO inboxes (queue, invocation)
                  SELECT ?, number FROM invocations WHERE number = ? AND queue != ? ON CONFLICT DO NOTHING
                """)
        try insert.execute(arguments: [queue, InvocationID.number(of: invocation), queue])
    }

    /// A command that is answered in a queue puts the invocation at the end of the inbox as it is first asked for.
    private func place(in database: Database) throws -> Int64? {
        guard takesPlace else { return inboxPlace }
        return try Int64.fetchOne(try database.cachedStatement(sql: "SELECT max(sequence) FROM events")) ?? 0
    }
}

extension LogLine {
    fileprivate func insert(_ invocation: Int64, _ position: Int, _ time: Date, in database: Database) throws {
        let insert = try database.cachedStatement(
            sql: """
                INSERT INTO logs (invocation, position, level, message, fields, location, at)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """)
        try insert.execute(arguments: [invocation, position, level, message, fields, location, time.microseconds])
    }
}

extension InvocationID {
    /// - Throws: ``EngineError``, `badInput`, if `text` names no invocation.
    static func number(of text: String) throws -> Int64 {
        guard let id = InvocationID(text) else {
            throw EngineError(.badInput, "\(text) is not the id of an invocation (inv_ and 16 hexadecimal digits)")
        }
        return id.number
    }
}
