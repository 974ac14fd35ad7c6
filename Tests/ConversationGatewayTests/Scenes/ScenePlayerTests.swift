import Conversations
import CustomDump
import Foundation
import TestSupport
import Testing

@testable import ConversationGateway

@Suite(.timeLimit(.minutes(1))) struct ScenePlayerTests {
    private func scene(_ steps: String) throws -> Scene {
        let text = """
            {"phones": {"jane": {"address": "+15559876543"}, "otto": {"address": "+15550000002", "imessage": false}},
            "steps": \(steps)}
            """
        return try JSON.decode(Scene.self, from: Data(text.utf8))
    }

    @Test func `a scene's texts, pictures and tapbacks happen in order`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let gateway = fixture.gateway
        let player = ScenePlayer(on: gateway.phones, speed: .infinity) { Data("%PDF-\($0)".utf8) }
        try await player.play(
            try scene(
                """
                [{"text": {"from": "jane", "body": "Hello", "name": "first"}}, {"wait": "1h"},
                 {"text": {"from": "jane", "media": ["a.pdf", "b.pdf"]}},
                 {"text": {"from": "otto", "body": "Hi"}}, {"react": {"from": "jane", "to": "first", "with": "laugh"}}]
                """))
        let jane = try await gateway.phones.messages(of: "+15559876543")
        expectNoDifference(jane.map(\.body), ["", "", "Hello"])
        expectNoDifference(jane.map { $0.reactions.map(\.reactionType) }, [[], [], [.laugh]])
        expectNoDifference(jane.map { $0.mediaURL?.hasSuffix(".pdf") }, [true, true, nil])
        expectEqual(try await gateway.phones.messages(of: "+15550000002").map(\.channel), [.sms])
    }

    @Test func `waits are as long as the speed makes them`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let player = ScenePlayer(on: fixture.gateway.phones, clock: fixture.clock, speed: 2) { _ in Data() }
        let scene = try scene(#"[{"wait": "3s"}, {"text": {"from": "jane", "body": "late"}}]"#)
        async let played: Void = player.play(scene)
        await fixture.clock.sleepers(atLeast: 1)
        expectNoDifference(fixture.clock.timeToNextDeadline, .seconds(1.5))
        fixture.clock.advance(by: .seconds(1.5))
        try await played
        expectEqual(try await fixture.gateway.phones.messages(of: "+15559876543").map(\.body), ["late"])
    }

    @Test func `a phone reacts to the latest that the agent sent`() async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let sample = try await fixture.gateway.phones.seedSample()
        let player = ScenePlayer(on: fixture.gateway.phones) { _ in Data() }
        try await player.play(try scene(#"[{"react": {"from": "jane", "to": "agent", "with": "like"}}]"#))
        let messages = try await fixture.gateway.phones.messages(of: "+15559876543")
        expectNoDifference(messages.filter { !$0.reactions.isEmpty }.map(\.id), [sample.outboundMessageID])
    }

    @Test(arguments: [
        (
            #"[{"wait": "0s"}, {"text": {"from": "nobody", "body": "x"}}]"#,
            "step 2: there is no phone \"nobody\"; the scene has jane, otto"
        ),
        (
            #"[{"react": {"from": "jane", "to": "agent", "with": "like"}}]"#,
            "step 1: there is no message \"agent\" to react to"
        ),
        (#"[{"text": {"from": "jane"}}]"#, "step 1: body: may be empty only with media"),
    ])
    func `a wrong step is told by its number`(steps: String, message: String) async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let player = ScenePlayer(on: fixture.gateway.phones) { _ in Data() }
        let scene = try scene(steps)
        let error = await #expect(throws: SceneError.self) { try await player.play(scene) }
        expectNoDifference(error?.description, message)
    }

    @Test(arguments: [
        #"[{"wait": "soon"}]"#, #"[{"wait": "25h"}]"#, #"[{"dance": {}}]"#, #"[{"wait": "1s", "text": {}}]"#,
    ])
    func `a step that is none is refused`(steps: String) {
        #expect(throws: DecodingError.self) { _ = try scene(steps) }
    }

    @Test(
        arguments: [("500ms", .milliseconds(500)), ("2s", .seconds(2)), ("1.5m", .seconds(90)), ("1h", .seconds(3600))]
            as [(String, Duration)])
    func `durations have units`(text: String, duration: Duration) {
        expectNoDifference(Scene.Step.duration(text), duration)
    }
}
