import Conversations
import CustomDump
import DurableExecution
import Foundation
import TestSupport
import Testing

@testable import Rules

/// The rules in `examples`, whose runs are rebuilt at each command as well.
@Suite(.timeLimit(.minutes(1)), .allReplayModes)
struct ExampleRulesTests {
    private static let examples = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "examples")

    private func bench(_ pack: String) async throws -> RuleBench {
        func texts(_ folder: String) throws -> [String: String] {
            let url = Self.examples.appending(path: "\(pack)/\(folder)")
            let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
            return try Dictionary(
                uniqueKeysWithValues: names.map {
                    ($0, try String(contentsOf: url.appending(path: $0), encoding: .utf8))
                })
        }
        let rules = Dictionary(
            uniqueKeysWithValues: try texts("rules").map { ($0.key.replacing(".lua", with: ""), $0.value) })
        try #require(!rules.isEmpty)
        return try await RuleBench(rules: rules, modules: try texts("lib"))
    }

    @Test func `a photo gets its heart and is counted, a question is tagged, a question mark is answered`() async throws
    {
        let bench = try await bench("photos")
        let traces = [
            try await bench.process(.message("", media: ["https://e.com/1.png"])),
            try await bench.process(.message("Where is my order?", id: "msg_2")),
            try await bench.process(.reaction(.question)),
        ]
        for trace in traces { expectNoDifference(trace.invocations.map(\.invocation.state), [.finished]) }
        expectNoDifference(
            bench.api.metadata(of: "conv_1"),
            [
                "photos": 1, "last_photo": "https://e.com/1.png", "topic": "orders", "resolved": false,
                "needs_help": true,
            ])
        expectNoDifference(bench.api.sent.count, 1)
    }

    @Test(arguments: [
        ("It is ORD-17", ["topic": "order_tracking", "resolved": true, "order_id": "ORD-17"] as Metadata, 1),
        ("No idea", ["topic": "order_tracking", "resolved": false], 1),
        (nil, ["topic": "order_tracking", "resolved": false], 2),
    ])
    func `an order is chased`(_ reply: String?, _ metadata: Metadata, _ sent: Int) async throws {
        let bench = try await bench("orders")
        try await bench.process(.message("My order?"))
        if let reply { try await bench.process(.message(reply, id: "msg_2")) }
        let states = try await bench.run { engine in
            bench.clock.advance(by: .seconds(7200))
            await engine.idle()
            return try await engine.trace(ofEvent: 1).invocations.map(\.invocation.state)
        }
        expectNoDifference(states, [.finished])
        expectNoDifference(bench.api.metadata(of: "conv_1"), metadata)
        expectNoDifference(bench.api.sent.count, sent)
    }
}
