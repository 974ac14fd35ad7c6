import Conversations
import CustomDump
import Foundation
import Packs
import Rules
import TestSupport
import Testing

@testable import ConversationGateway
@testable import tidewire

@Suite struct DevGreetingTests {
    private let folder: TemporaryFolder
    private let state: StateDirectory

    init() throws {
        folder = try TemporaryFolder(named: "photos")
        state = try StateDirectory.prepare(at: folder.path("state"))
    }

    private func greeting(_ configuration: TidewireConfiguration = TidewireConfiguration()) -> DevGreeting {
        DevGreeting(
            configuration: configuration, packs: [], gatewayURL: "http://127.0.0.1:8471", webhookURL: nil,
            state: state, sample: nil, program: "tidewire", palette: Palette(isOn: false))
    }

    @Test func `it says what is up and with which rules`() async throws {
        try folder.write("return { on = 'message', run = function() end }", to: "rules/heart.lua")
        try folder.write("return { on = 'message', run = function() end }", to: "rules/ask.lua")
        var greeting = greeting()
        greeting.webhookURL = "http://127.0.0.1:8470/webhooks/agentphone"
        greeting.packs = [try await PackLoader().load(PackFolder(folder.url))]
        let lines = greeting.lines
        #expect(lines.contains("  webhooks  http://127.0.0.1:8470/webhooks/agentphone"))
        #expect(lines.contains("  rules     local/photos 0.0.0: ask, heart"))
        #expect(lines.contains { $0.hasPrefix("  gateway   http://127.0.0.1:8471 ") })
        #expect(!lines.contains { $0.contains("polling") || $0.contains("dry run") })
    }

    @Test func `it says that it polls and that it runs dry`() {
        var configuration = TidewireConfiguration()
        configuration.source = .both
        configuration.isDryRun = true
        let lines = greeting(configuration).lines
        #expect(lines.contains("  polling   every 10s"))
        #expect(lines.contains { $0.hasPrefix("  dry run   ") })
    }

    @Test func `the commands to try name the state directory where it is not the default`() {
        let lines = greeting().lines.filter { $0.contains("trigger message") }
        #expect(lines.count == 2)
        for line in lines { #expect(line.contains("--state-directory \(state.path) ")) }
    }

    @Test func `a sample conversation's requests can be pasted`() {
        var greeting = greeting()
        greeting.sample = SampleConversation(
            conversationID: "conv_1", agentID: nil, numberID: "num_1", number: "+15551234567",
            participant: "+15559876543", photoMessageID: "msg_1", outboundMessageID: "msg_2")
        let text = greeting.lines.joined(separator: "\n")
        #expect(text.contains("http://127.0.0.1:8471/v1/conversations/conv_1/messages?limit=20"))
        #expect(text.contains("http://127.0.0.1:8471/v1/messages/msg_1/reactions"))
        #expect(text.contains("\(state.path)/keys.json"))
    }
}
