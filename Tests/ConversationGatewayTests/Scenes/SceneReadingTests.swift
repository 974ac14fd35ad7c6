import Conversations
import CustomDump
import Testing

@testable import ConversationGateway

@Suite struct SceneReadingTests {
    private static let phones = "phones:\n  jane: { address: \"+15559876543\" }\n"

    @Test func `a scene has phones, groups and steps with their lines`() throws {
        let text = """
            phones:
              jane: { address: "+15559876543" }
              ruth: { address: ruth@example.com, imessage: true }
            groups:
              family: [jane, ruth]
            steps:
              - text: { from: jane, body: "Hi", media: [a.png], name: hello }
              - wait: 1.5m
              - text:
                  from: ruth
                  group: family
                  body: Yes
                  reply_to: hello
              - agent: { to: jane, body: "Which order?" }
              - react: { from: jane, to: agent, with: love }
              - expect: { to: jane, body: order, within: 2s }
            """
        var first = Scene.Text(from: "jane")
        (first.body, first.media, first.name) = ("Hi", ["a.png"], "hello")
        var second = Scene.Text(from: "ruth")
        (second.group, second.body, second.replyTo) = ("family", "Yes", "hello")
        expectNoDifference(
            try Scene(yaml: text) { $0 == "a.png" },
            Scene(
                phones: [
                    "jane": Scene.Phone(address: "+15559876543"), "ruth": Scene.Phone(address: "ruth@example.com"),
                ],
                groups: ["family": ["jane", "ruth"]],
                steps: [
                    Scene.Step(line: 7, .text(first)), Scene.Step(line: 8, .wait(.seconds(90))),
                    Scene.Step(line: 9, .text(second)),
                    Scene.Step(line: 14, .answer(Scene.Answer(to: "jane", body: "Which order?"))),
                    Scene.Step(line: 15, .react(Scene.Tapback(from: "jane", to: "agent", with: .love))),
                    Scene.Step(
                        line: 16, .expect(Scene.Expectation(to: "jane", body: "order", within: .seconds(2)))),
                ]))
    }

    @Test(arguments: [
        (
            "- text: { from: jane, bdy: x }",
            "line 4: unknown key \"bdy\": a text has from, to, group, body, media, reply_to, name"
        ),
        ("- text: { from: nobody, body: x }", "line 4: there is no phone \"nobody\"; there is jane"),
        ("- text: { from: jane, body: [x] }", "line 4: body must be a text"),
        ("- text: { from: jane }", "line 4: a text needs a body, or media"),
        ("- text: { body: x }", "line 4: a text needs from"),
        ("- text: { from: jane, media: [b.png] }", "line 4: there is no file b.png"),
        ("- text: { from: jane, media: b.png }", "line 4: media must be a list such as [one, two]"),
        ("- text: { from: jane, body: x, group: family }", "line 4: there is no group \"family\""),
        (
            "- text: { from: jane, body: x, to: me }",
            "line 4: to must be one of the project's numbers, such as +15551234567"
        ),
        ("- wait: soon", "line 4: wait must be a duration of at most a day, such as 500ms, 2s or 1m"),
        ("- wait: 25h", "line 4: wait must be a duration of at most a day, such as 500ms, 2s or 1m"),
        ("- dance: {}", "line 4: a step is one of wait, text, agent, react, expect"),
        ("- { wait: 1s, text: {} }", "line 4: a step is one of wait, text, agent, react, expect"),
        (
            "- react: { from: jane, to: later, with: love }",
            "line 4: there is no earlier message \"later\"; there is agent"
        ),
        (
            "- react: { from: jane, to: agent, with: heart }",
            "line 4: with must be one of love, like, dislike, laugh, emphasize, question"
        ),
        (
            "- expect: { to: jane, within: 1 }",
            "line 4: within must be a duration of at most a day, such as 500ms, 2s or 1m"
        ),
        ("- wait: [", "line 5: not valid YAML: did not find expected node content"),
    ])
    func `what is wrong in a step is told with its line`(step: String, message: String) {
        let error = #expect(throws: SceneError.self) {
            _ = try Scene(yaml: Self.phones + "steps:\n" + step + "\n") { _ in false }
        }
        #expect(error?.problems.map(\.description).contains(message) == true, "\(error?.description ?? "")")
    }

    @Test(arguments: [
        ("", "a scene has the keys phones, groups, steps"),
        ("- wait: 1s", "line 1: a scene has the keys phones, groups, steps"),
        ("steps: []", "line 1: a scene needs phones"),
        ("phones: {}\nsteps: []", "line 1: phones must have one or more names below it"),
        (
            "phones: { jane: { address: me } }\nsteps: []",
            "line 1: address must be a phone number such as +15559876543, or an e-mail address"
        ),
        (
            "phones: { jane: { address: a@b.example, imessage: false } }\nsteps: []",
            "line 1: nothing but iMessage reaches an e-mail address"
        ),
        (
            "phones: { jane: { address: a@b.example, imessage: 7 } }\nsteps: []",
            "line 1: imessage must be true or false"
        ),
        (phones + "groups: { family: [jane] }\nsteps: []", "line 3: a group has 2 to 32 different phones"),
        (phones + "steps: 5", "line 3: steps must be a list"),
        (phones + "speed: 2\nsteps: []", "line 3: unknown key \"speed\": a scene has phones, groups, steps"),
    ])
    func `what is wrong elsewhere is told too`(text: String, message: String) {
        let error = #expect(throws: SceneError.self) { _ = try Scene(yaml: text) { _ in false } }
        #expect(error?.problems.map(\.description).contains(message) == true, "\(error?.description ?? "")")
    }

    @Test func `all problems are told at once`() {
        let text = Self.phones + "steps:\n  - wait: soon\n  - text: { from: otto, body: x }\n"
        let error = #expect(throws: SceneError.self) { _ = try Scene(yaml: text) { _ in false } }
        expectNoDifference(error?.problems.map(\.line), [4, 5])
    }

    @Test(
        arguments: [("500ms", .milliseconds(500)), ("2s", .seconds(2)), ("1.5m", .seconds(90)), ("1h", .seconds(3600))]
            as [(String, Duration)])
    func `durations have units`(text: String, duration: Duration) {
        expectNoDifference(Scene.duration(text), duration)
    }
}
