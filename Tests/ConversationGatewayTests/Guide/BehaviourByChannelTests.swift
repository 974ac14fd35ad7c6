import Conversations
import CustomDump
import Foundation
import Testing

@testable import ConversationGateway

/// Runs each row of the guide's table "Behaviour by channel".
@Suite struct BehaviourByChannelTests {
    private static let apple = "+15550000001"
    private static let other = "+15550000002"
    private static let picture = "https://example.com/a.png"

    private static let cases: [String: @Sendable (Gateway) async throws -> String] = [
        "Both sides have iMessage": { try await channel($0.send(to: apple)) },
        "The phone has no iMessage": { try await channel($0.send(to: other)) },
        "A picture to a phone without iMessage": { try await channel($0.send(to: other, media: [picture])) },
        "A picture from a phone without iMessage": {
            try await $0.phones.send(from: other, media: [picture]).messages[0].channel?.rawValue ?? ""
        },
        "Several pictures by iMessage": {
            let arrived = try await $0.phones.send(from: apple, media: [picture, picture, picture])
            return arrived.messages.map(\.mediaURLs) == [[picture], [picture], [picture]] ? "each arrives as" : ""
        },
        "A tapback on an iMessage": {
            let message = try await $0.phones.send(from: apple, body: "x").messages[0]
            _ = try await $0.react(to: message.id, with: .love)
            return try await $0.phones.messages(of: apple)[0].reactions.count == 1 ? "it is put" : ""
        },
        "A tapback on SMS or MMS": { gateway in
            var statuses: Set<Int?> = []
            for media in [[], [picture]] {
                let message = try await gateway.phones.send(from: other, body: "x", media: media).messages[0]
                statuses.insert(await status { _ = try await gateway.react(to: message.id, with: .love) })
            }
            return statuses == [400] ? "400" : ""
        },
        "Outbound SMS from a number that is not registered (10DLC)": { gateway in
            try await gateway.unregister()
            return "\(await status { _ = try await gateway.send(to: other) } ?? 0)"
        },
        "Inbound SMS to a number that is not registered": {
            try await $0.unregister()
            return try await $0.phones.send(from: other, body: "x").messages[0].channel == .sms ? "it arrives" : ""
        },
        "iMessage from a number that is not registered": {
            try await $0.unregister()
            return try await $0.send(to: apple).channel == .imessage ? "it goes" : ""
        },
        "A send style or a reply by SMS": {
            let target = try await $0.phones.send(from: other, body: "x").messages[0].id
            let sent = try await $0.send(to: other, replyTo: target, style: "confetti")
            let messages = try await $0.phones.messages(of: other)
            return sent.replyToMessageID == nil && messages[0].body == "hello" ? "is dropped, and the text goes" : ""
        },
        "A reply to a message that does not exist": { gateway in
            let status = await status { _ = try await gateway.send(to: apple, replyTo: "msg_none") }
            let messages = try await gateway.phones.messages(of: apple)
            return status == 404 && messages.isEmpty ? "404" : ""
        },
    ]

    private static let rows: [(name: String, text: String)] = {
        let guide = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../../Sources/ConversationGateway/ConversationGateway.docc/Gateway.md")
        let text = (try? String(contentsOf: guide, encoding: .utf8)) ?? ""
        let section = text.components(separatedBy: "## Behaviour by channel").last?.components(separatedBy: "\n## ")
            .first
        return (section ?? "").split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst().map { line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            return (cells[0], cells[1])
        }
    }()

    @Test func `each row of the guide has its case, and each case its row`() {
        expectNoDifference(Set(Self.rows.map(\.name)), Set(Self.cases.keys))
    }

    @Test(arguments: rows) func `each row of the guide holds`(name: String, text: String) async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        try await fixture.gateway.phones.add(Self.apple)
        try await fixture.gateway.phones.add(Self.other, imessage: false)
        let run = try #require(Self.cases[name])
        let outcome = try await run(fixture.gateway)
        #expect(!outcome.isEmpty && text.contains(outcome), "\(name): \(text), but was \"\(outcome)\"")
    }

    private static func channel(_ sent: SentMessage) -> String { sent.channel?.rawValue ?? "" }

    private static func status(_ body: () async throws -> Void) async -> Int? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? APIError)?.status
        }
    }
}

extension Gateway {
    fileprivate func send(
        to address: String, media: [String] = [], replyTo: Message.ID? = nil, style: String? = nil
    ) async throws(APIError) -> SentMessage {
        try await send(
            OutboundMessage(
                fromNumber: GatewayFixture.number, toNumber: address, body: "hello",
                mediaURLs: media.isEmpty ? nil : media, replyToMessageID: replyTo, sendStyle: style))
    }

    fileprivate func unregister() async throws(APIError) {
        _ = try await putNumber(SimulatedNumberBody(number: GatewayFixture.number, smsRegistered: false))
    }
}
