import Conversations
import CustomDump
import Foundation
import TestSupport
import Testing

@testable import ConversationGateway

@Suite(.timeLimit(.minutes(1))) struct ScenePlayerTests {
    private static let jane = "+15559876543"

    private func scene(_ steps: String, groups: String = "") throws -> Scene {
        let text = """
            phones:
              jane: { address: "+15559876543" }
              ruth: { address: ruth@example.com }
              otto: { address: "+15550000002", imessage: false }
            \(groups)
            steps:
            \(steps)
            """
        return try Scene(yaml: text) { _ in true }
    }

    private func play(_ scene: Scene, on gateway: Gateway, report: @Sendable (ScenePlayer.Progress) -> Void = { _ in })
        async throws
    {
        try await ScenePlayer(on: gateway.phones, speed: .infinity) { Data("%PDF-\($0)".utf8) }
            .play(scene, report: report)
    }

    @Test func `a scene's texts, pictures and tapbacks happen in order`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let gateway = fixture.gateway
        try await play(
            try scene(
                """
                - text: { from: jane, body: Hello, name: first }
                - wait: 1h
                - text: { from: jane, media: [a.pdf, b.pdf] }
                - text: { from: otto, body: Hi }
                - react: { from: jane, to: first, with: laugh }
                """), on: gateway)
        let jane = try await gateway.phones.messages(of: Self.jane)
        expectNoDifference(jane.map(\.body), ["", "", "Hello"])
        expectNoDifference(jane.map { $0.reactions.map(\.reactionType) }, [[], [], [.laugh]])
        expectNoDifference(jane.map { $0.mediaURL?.hasSuffix(".pdf") }, [true, true, nil])
        expectSame(try await gateway.phones.messages(of: "+15550000002").map(\.channel), [.sms])
    }

    @Test func `waits are as long as the speed makes them`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let player = ScenePlayer(on: fixture.gateway.phones, clock: fixture.clock, speed: 2) { _ in Data() }
        let scene = try scene("- wait: 3s\n- text: { from: jane, body: late }")
        async let played: Void = player.play(scene)
        await fixture.clock.sleepers(atLeast: 1)
        expectNoDifference(fixture.clock.timeToNextDeadline, .seconds(1.5))
        fixture.clock.advance(by: .seconds(1.5))
        try await played
        expectSame(try await fixture.gateway.phones.messages(of: Self.jane).map(\.body), ["late"])
    }

    @Test func `a phone reacts to the agent's latest, and answers a message by name`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let gateway = fixture.gateway
        let sample = try await gateway.phones.seedSample()
        try await play(
            try scene(
                """
                - react: { from: jane, to: agent, with: like }
                - agent: { to: jane, body: Which order?, name: question }
                - text: { from: jane, body: ORD-1, reply_to: question }
                """), on: gateway)
        let messages = try await gateway.phones.messages(of: Self.jane)
        expectNoDifference(messages.filter { !$0.reactions.isEmpty }.map(\.id), [sample.outboundMessageID])
        expectNoDifference(messages.prefix(2).map(\.body), ["ORD-1", "Which order?"])
        expectNoDifference(messages[0].replyTo, ReplyTarget(messageID: messages[1].id, message: "Which order?"))
    }

    @Test func `phones of a group write to it`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let gateway = fixture.gateway
        try await play(
            try scene(
                "- text: { from: ruth, group: family, body: Dinner? }\n- text: { from: jane, group: family, body: Yes }",
                groups: "groups:\n  family: [jane, ruth]"), on: gateway)
        let threads = try await gateway.conversations(limit: 10, offset: 0).data
        expectNoDifference(threads.map { $0.group?.participants.map(\.identifier) }, [[Self.jane, "ruth@example.com"]])
        expectSame(
            try await gateway.phones.messages(of: Self.jane).map(\.senderIdentifier), [Self.jane, "ruth@example.com"])
    }

    @Test func `an answer is waited for, and the scene goes on with it`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let gateway = fixture.gateway
        let player = ScenePlayer(on: gateway.phones, clock: fixture.clock, speed: .infinity) { _ in Data() }
        let scene = try scene(
            """
            - agent: { to: jane, body: Which order is long ago? }
            - text: { from: jane, body: Hello }
            - expect: { to: jane, body: Which order, within: 5s }
            - react: { from: jane, to: agent, with: love }
            """)
        async let played: Void = player.play(scene)
        await fixture.clock.sleepers(atLeast: 1)
        let sent = try await gateway.phones.answer(to: Self.jane, body: "Which order is it?")
        fixture.clock.advance(by: .milliseconds(100))
        try await played
        let loved = try await gateway.phones.messages(of: Self.jane).filter { !$0.reactions.isEmpty }
        expectNoDifference(loved.map(\.id), [sent])
    }

    @Test func `an answer that does not come ends the scene`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let player = ScenePlayer(on: fixture.gateway.phones, clock: fixture.clock) { _ in Data() }
        let scene = try scene("- expect: { to: jane, within: 100ms }")
        async let error = #expect(throws: SceneError.self) { try await player.play(scene) }
        await fixture.clock.sleepers(atLeast: 1)
        fixture.clock.advance(by: .milliseconds(100))
        let found = await error
        expectNoDifference(found?.description, "line 7: the agent sent jane no message within 0.1 seconds")
    }

    @Test(arguments: [
        ("- react: { from: jane, to: agent, with: like }", "line 7: the agent has sent +15559876543 no message yet"),
        ("- wait: 0s\n- text: { from: jane, to: \"+15550009999\", body: x }", "line 8: Number not found."),
    ])
    func `a step that the gateway refuses is told by its line`(steps: String, message: String) async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let scene = try scene(steps)
        let error = await #expect(throws: SceneError.self) { try await play(scene, on: fixture.gateway) }
        expectNoDifference(error?.description, message)
    }
}
