import CustomDump
import Foundation
import GRDB
import TestSupport
import Testing

@testable import DurableExecution

/// What can be read from the files after something was forgotten: the bytes themselves are searched.
@Suite(.timeLimit(.minutes(1))) struct ErasureTests {
    /// What is known of one person, in words that only they have.
    struct Person {
        var number: Int
        var queue: String { "conv_\(number)" }
        var phone: String { "+1555\(String(1_000_000 + number).dropFirst())" }
        var text: String { "the words of person \(number)!" }
        var media: String { "https://media.example/\(number)/photo.jpg" }
        var secrets: [String] { [phone, String(phone.dropFirst(2)), text, media] }

        func event(_ index: Int, at time: Date) -> NewEvent {
            let json = #"{"from":"\#(phone)","body":"\#(text)","media":"\#(media)","n":\#(index)}"#
            return NewEvent(
                identities: ["fingerprint \(phone) \(text) \(media) \(index)", "reaction:\(index):\(phone):love"],
                queue: queue, kind: "message", source: "webhook", payload: Data(json.utf8), occurredAt: time,
                keys: ["participant:\(phone)"],
                facts: [Fact(scope: "#opt_out:\(phone)", key: "+15550001111", value: Data("{}".utf8), at: time)])
        }
    }

    private let people = (1...120).map { Person(number: $0) }

    /// A bench on a file, whose rules send, keep, fail and wait for every person, and write all about them down.
    private func bench(_ folder: TemporaryFolder) throws -> EngineBench {
        let bench = try EngineBench(store: SQLiteStore(path: folder.path("engine.db")))
        bench.handler.matching = { event in
            let text = String(decoding: event.payload, as: UTF8.self)
            return Matching(
                starts: ["asks", "fails", "keeps"].map { Start(rule: "\($0) \(event.queue)", version: "1") },
                refusals: [Refusal(rule: "other", reason: "not for \(text)")])
        }
        bench.handler.preparing = { event, claims in
            _ = try await claims.claim("found \(event.identity)")
            return .ready(payload: event.payload + Data(repeating: 32, count: Int(event.sequence) % 90))
        }
        for person in people {
            let words = person.secrets.joined(separator: " ")
            let value = Data("\"\(words)\"".utf8)
            bench.handler.scripts["asks \(person.queue)"] = ScriptedProgram.making([
                .once("send \(words)"), .wait(kind: words, queue: person.queue),
            ])
            bench.handler.scripts["fails \(person.queue)"] = ScriptedProgram.making([.once("fail \(words)")])
            bench.handler.scripts["keeps \(person.queue)"] = ScriptedProgram.making(
                (0..<6).map { .store(.set(scope: person.queue, key: "\($0) \(words)", value: value)) })
        }
        bench.handler.performing = { command, _ in
            if command.name.hasPrefix("fail") { throw CommandFailure(code: "no", message: command.name) }
            return command.input
        }
        bench.handler.producing = { command, _ in [command.name] }
        return bench
    }

    @Test func `of who was forgotten no word is left in the files, and of the others every word`() async throws {
        let folder = try TemporaryFolder()
        let bench = try bench(folder)
        let leaving = people.filter { $0.number % 7 == 0 }
        try await bench.run { engine in
            for round in 0..<3 {
                _ = try await engine.accept(people.map { $0.event(round, at: bench.clock.date) })
                await engine.idle()
            }
            #expect(try findings(leaving[0].secrets, in: folder).count >= 4)
            for person in leaving {
                let queues = try await engine.queues(of: "participant:\(person.phone)")
                expectNoDifference(queues, [person.queue])
                let forgotten = try await engine.forget(queues: queues, scopes: [person.queue])
                expectNoDifference(forgotten, Forgotten(events: 3, invocations: 9, values: 6))
            }
            try expectNoDifference(findings(leaving.flatMap(\.secrets), in: folder), [])
            let other = people[0]
            #expect(try findings(other.secrets, in: folder).count >= 4)
            try await expectSame(engine.queues(of: "participant:\(other.phone)"), [other.queue])
            let again = try await engine.accept(leaving.map { $0.event(1, at: bench.clock.date) })
            #expect(again.allSatisfy { if case .duplicate = $0 { true } else { false } })
        }
        try await expectSame((bench.store as? SQLiteStore)?.checkIntegrity(), [])
    }

    @Test func `what an earlier version kept as it was is recognised, and can't be read once somebody is forgotten`()
        async throws
    {
        let folder = try TemporaryFolder()
        let path = folder.path("engine.db")
        let (ada, bob) = (Person(number: 1), Person(number: 2))
        try await DatabaseQueue(path: path).write { database in
            try database.execute(sql: StoredSchemas.second)
            for (index, person) in [ada, bob].enumerated() {
                let event = person.event(0, at: .distantPast)
                try database.execute(
                    sql: """
                        INSERT INTO events (sequence, identity, queue, kind, source, payload, occurred_at, accepted_at,
                          state) VALUES (?, ?, ?, 'message', 'webhook', X'', 5, 5, ?)
                        """,
                    arguments: [
                        10 + index, event.identities[0], person.queue, person.number == 1 ? "forgotten" : "done",
                    ])
                for identity in event.identities {
                    try database.execute(
                        sql: "INSERT INTO identities (identity, event, at) VALUES (?, ?, 5)",
                        arguments: [identity, 10 + index])
                }
            }
        }
        let store = try SQLiteStore(path: path)
        let epoch = try await store.takeOver()
        let time = Date(timeIntervalSince1970: 1_736_942_400)
        func accept(_ person: Person, _ index: Int = 0) async throws -> Acceptance? {
            try await store.accept([person.event(index, at: time)], at: time, epoch: epoch).first
        }
        try await expectSame(store.lastWithoutKeys(), 11)
        try await expectSame(accept(ada), .duplicate(of: 10))
        try await expectSame(
            store.claim(bob.event(0, at: time).identities[1], for: 10, at: time, epoch: epoch), .heldBy(11))
        #expect(try !findings(ada.secrets, in: folder).isEmpty)
        _ = try await store.forget(
            Forgetting(queues: [ada.queue, bob.queue], scopes: [], at: time, limit: 9), epoch: epoch)
        #expect(try await store.scrub(isThorough: true, epoch: epoch).isEmpty)
        try expectNoDifference(findings(ada.secrets + bob.secrets, in: folder), [])
        for (person, sequence) in [(ada, Int64(10)), (bob, 11)] {
            try await expectSame(accept(person), .duplicate(of: sequence))
        }
        try await expectSame(accept(bob, 1), .accepted(12))
        try await expectSame(SQLiteStore(reading: path).event(identity: ada.event(0, at: time).identities[1]), 10)
    }

    @Test func `what an earlier version left in free pages is overwritten once somebody is forgotten`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.path("engine.db"))
        let epoch = try await store.takeOver()
        let ada = Person(number: 1)
        try await store.database.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA secure_delete = OFF; CREATE TABLE old (text TEXT)")
            for _ in 0..<500 {
                try database.execute(
                    sql: "INSERT INTO old VALUES (?)", arguments: [String(repeating: ada.text, count: 200)])
            }
            try database.execute(sql: "DROP TABLE old; PRAGMA secure_delete = ON")
            try database.execute(sql: "UPDATE meta SET value = 0 WHERE key = 'free_pages_blank'")
        }
        #expect(try !findings(ada.secrets, in: folder).isEmpty)
        #expect(try await store.scrub(isThorough: true, epoch: epoch).isEmpty)
        try expectNoDifference(findings(ada.secrets, in: folder), [])
        try await expectSame(store.checkIntegrity(), [])
        try await store.tidy()
        #expect(folder.bytes("engine.db") < 3 << 20)
    }

    @Test func `a reader of the log is told about`() async throws {
        let folder = try TemporaryFolder()
        let bench = try bench(folder)
        let reader = try DatabasePool(path: folder.path("engine.db"))
        _ = try await bench.run { engine in
            _ = try await engine.accept([people[0].event(0, at: bench.clock.date)])
            await engine.idle()
            let snapshot = try reader.makeSnapshot()
            try await snapshot.read { _ = try Int.fetchOne($0, sql: "SELECT count(*) FROM events") }
            let forgotten = try await engine.forget(queues: [people[0].queue])
            #expect(forgotten.remnants.contains(.log))
            try snapshot.close()
            #expect(try await engine.forget(queues: [people[0].queue]).remnants.isEmpty)
        }
    }

    /// Where the words of a person are in the files, with what is around them.
    private func findings(_ secrets: [String], in folder: TemporaryFolder) throws -> [String] {
        try ["engine.db", "engine.db-wal"].flatMap { name in
            let path = folder.path(name)
            guard FileManager.default.fileExists(atPath: path) else { return [String]() }
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            return secrets.compactMap { secret in
                guard let range = data.range(of: Data(secret.utf8)) else { return nil }
                let around = data[max(range.lowerBound - 80, 0)..<min(range.upperBound + 20, data.count)]
                return "\(name), page \(range.lowerBound / 4096 + 1): " + String(decoding: around, as: UTF8.self)
            }
        }
    }
}
