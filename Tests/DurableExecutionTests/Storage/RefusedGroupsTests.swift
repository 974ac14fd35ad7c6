import CustomDump
import Foundation
import GRDB
import TestSupport
import Testing

@testable import DurableExecution

/// Refusals of many rules, against every implementation of the store.
@Suite(.timeLimit(.minutes(1))) struct RefusedGroupsTests {
    private static let list = RuleList(
        name: "message:1",
        entries: [
            RuleList.Entry(rule: "b", endings: ["channel": "imessage"]),
            RuleList.Entry(rule: "a", endings: ["channel": "mms", "body": "order"]),
            RuleList.Entry(rule: "c", endings: ["body": "refund"]), RuleList.Entry(rule: "d", endings: [:]),
        ])

    private static let groups = RefusedGroups(
        list: list,
        groups: [
            RefusedGroups.Group(condition: "channel", beginning: "channel is sms, not ", ranges: [0..<2]),
            RefusedGroups.Group(condition: "body", beginning: "the text has none of: ", ranges: [2..<3]),
            RefusedGroups.Group(condition: "first", beginning: "it is not the first", ranges: [3..<4]),
        ])

    private static let refusals = [
        Refusal(rule: "a", reason: "channel is sms, not mms"),
        Refusal(rule: "b", reason: "channel is sms, not imessage"),
        Refusal(rule: "c", reason: "the text has none of: refund"), Refusal(rule: "d", reason: "it is not the first"),
        Refusal(rule: "e", reason: "said \"no\""),
    ]

    private static func match(_ event: Int64, _ groups: RefusedGroups = groups) -> [Change] {
        [
            .matched(event: event, payload: nil, starts: [], refusals: [], at: DurableStoreTests.time),
            .refused(event: event, [refusals[4]], groups, at: DurableStoreTests.time),
        ]
    }

    private func accept(_ count: Int, _ subject: DurableStoreTests.Subject) async throws {
        for number in 0..<count { _ = try await subject.accept(DurableStoreTests().event("\(number)")) }
    }

    @Test(arguments: DurableStoreTests.Implementation.allCases)
    func `they are read as if each had been kept`(_ implementation: DurableStoreTests.Implementation) async throws {
        let subject = try await DurableStoreTests.Subject(implementation)
        try await accept(3, subject)
        for event in 1...2 { try await subject.store.write(Self.match(Int64(event)), epoch: subject.epoch) }
        for event in 1...2 { try await expectSame(subject.store.refusals(of: Int64(event)), Self.refusals) }
        try await subject.write(
            .matched(
                event: 3, payload: nil, starts: [], refusals: [Refusal(rule: "r", reason: "no")],
                at: DurableStoreTests.time))
        try await expectSame(subject.store.refusals(of: 3), [Refusal(rule: "r", reason: "no")])
    }

    @Test func `what events of the same rules have in common is kept once, and deleted when it is old`() async throws {
        let store = try SQLiteStore.inMemory()
        let epoch = try await store.takeOver()
        let time = DurableStoreTests.time
        for number in 0..<3 {
            _ = try await store.accept([DurableStoreTests().event("\(number)")], at: time, epoch: epoch)
        }
        let other = RefusedGroups(list: RuleList(name: "message:2", entries: Self.list.entries), groups: [])
        try await store.write(Self.match(1) + Self.match(2) + Self.match(3, other), epoch: epoch)
        func lists() async throws -> [String] {
            try await store.read { try String.fetchAll($0, sql: "SELECT name FROM rule_lists ORDER BY name") }
        }
        try await expectSame(lists(), ["message:1", "message:2"])
        let later = time + 10 * 86_400
        try await store.write(
            [.refused(event: 1, [], Self.groups, at: later)], epoch: epoch)
        _ = try await store.prune(
            Pruning(events: time + 5 * 86_400, identities: time, values: time, limit: 10), epoch: epoch)
        try await expectSame(lists(), ["message:1"])
    }

    @Test func `without their list they are counted`() async throws {
        let store = try SQLiteStore.inMemory()
        let epoch = try await store.takeOver()
        _ = try await store.accept([DurableStoreTests().event("a")], at: DurableStoreTests.time, epoch: epoch)
        try await store.write(Self.match(1), epoch: epoch)
        try await store.database.write { try $0.execute(sql: "DELETE FROM rule_lists") }
        let refusals = try await store.refusals(of: 1)
        expectNoDifference(refusals.first, Self.refusals[4])
        #expect(refusals.last?.reason.hasPrefix("4 more did not match") == true)
    }
}
