import ConversationGateway
import Conversations
import CustomDump
import TestSupport
import Testing

extension ConversationAPIConformance {
    @Test(arguments: Way.allCases) func `a message goes by iMessage where both sides can`(way: Way) async throws {
        try await onAccount(way) { account in
            let id = try await account.conversation(["Hi"])
            account.clock.advance(by: .seconds(1))
            let sent = try await account.api.send(Self.message("Which order?"))
            expectNoDifference(
                sent,
                SentMessage(
                    id: sent.id, status: "sent", channel: .imessage, fromNumber: Account.number, toNumber: Account.jane,
                    conversationID: id))
            let page = try await account.api.messages(in: id, limit: 1, before: nil, after: nil)
            expectNoDifference(
                page.data,
                [
                    Message(
                        id: sent.id, body: "Which order?", fromNumber: Account.number, toNumber: Account.jane,
                        direction: .outbound, channel: .imessage, receivedAt: account.now)
                ])
            let listed = try await account.api.conversations(limit: 1, offset: 0)
            expectNoDifference(listed.data.map(\.lastMessagePreview), ["Which order?"])
        }
    }

    @Test(arguments: Way.allCases) func `a message goes by SMS, or MMS with media, where it must`(way: Way) async throws
    {
        try await onAccount(way) { account in
            try await account.phones.add(Account.jane, imessage: false)
            let text = try await account.api.send(Self.message("Hi"))
            let picture = try await account.api.send(Self.message("", media: [Account.photo]))
            expectNoDifference([text.channel, picture.channel], [.sms, .mms])
            expectNoDifference(picture.mediaURLs, [Account.photo])
        }
    }

    @Test(arguments: Way.allCases) func `the first message to someone opens their conversation`(way: Way) async throws {
        try await onAccount(way) { account in
            let first = try await account.api.send(Self.message("one"))
            let second = try await account.api.send(Self.message("two"))
            expectNoDifference(first.conversationID, second.conversationID)
            let detail = try await account.api.conversation(try #require(first.conversationID), messageLimit: 5)
            expectNoDifference(detail.conversation.participant, Account.jane)
            expectNoDifference(detail.messages.map(\.id), [second.id, first.id])
        }
    }

    @Test(arguments: Way.allCases) func `a sender is named by number, its id, or its agent`(way: Way) async throws {
        try await onAccount(way) { account in
            try await account.text("Hi")
            let conversation = try await account.api.conversations(limit: 1, offset: 0).data[0]
            let ways = [
                OutboundMessage(fromNumber: Account.number, toNumber: Account.jane, body: "a"),
                OutboundMessage(numberID: conversation.phoneNumberID, toNumber: Account.jane, body: "b"),
                OutboundMessage(agentID: conversation.agentID, toNumber: Account.jane, body: "c"),
                // The number counts most, so that the unknown ones beside it don't matter.
                OutboundMessage(
                    agentID: "agt_none", numberID: "num_none", fromNumber: Account.number, toNumber: Account.jane,
                    body: "d"),
            ]
            for message in ways {
                let sent = try await account.api.send(message)
                expectNoDifference(sent.fromNumber, Account.number)
                expectNoDifference(sent.conversationID, conversation.id)
            }
        }
    }

    @Test(arguments: Way.allCases) func `a message that can't be sent is refused by field`(way: Way) async throws {
        try await onAccount(way) { account in
            let wrong: [(OutboundMessage, String)] = [
                (OutboundMessage(fromNumber: Account.number, toNumber: nil, body: "Hi"), "to_number"),
                (OutboundMessage(fromNumber: Account.number, toNumber: "", body: "Hi"), "to_number"),
                (OutboundMessage(fromNumber: Account.number, toNumber: "nobody", body: "Hi"), "to_number"),
                (OutboundMessage(toNumber: Account.jane, body: "Hi"), "agent_id"),
                (Self.message(""), "body"), (Self.message("Hi", media: [Account.photo, Account.photo]), "body"),
                (Self.message("", media: []), "media_urls"),
                (Self.message("", media: Array(repeating: Account.photo, count: 21)), "media_urls"),
                (Self.message("", media: ["file:///etc/passwd"]), "media_urls"),
            ]
            for (message, field) in wrong {
                await expectError(.invalidRequest, field: field) { try await account.api.send(message) }
            }
            let page = try await account.api.conversations(limit: 1, offset: 0)
            expectNoDifference(page.total, 0)
        }
    }

    @Test(arguments: Way.allCases) func `an unknown sender or reply target sends nothing`(way: Way) async throws {
        try await onAccount(way) { account in
            let unknown = [
                OutboundMessage(fromNumber: "+15550001111", toNumber: Account.jane, body: "Hi"),
                OutboundMessage(numberID: "num_none", toNumber: Account.jane, body: "Hi"),
                OutboundMessage(agentID: "agt_none", toNumber: Account.jane, body: "Hi"),
                OutboundMessage(
                    fromNumber: Account.number, toNumber: Account.jane, body: "Hi", replyToMessageID: "msg_none"),
            ]
            for message in unknown { await expectError(.notFound) { try await account.api.send(message) } }
            let page = try await account.api.conversations(limit: 1, offset: 0)
            expectNoDifference(page.total, 0)
        }
    }

    @Test(arguments: Way.allCases) func `a reply names the message that it answers`(way: Way) async throws {
        try await onAccount(way) { account in
            let delivery = try await account.text("Hi")
            let reply = OutboundMessage(
                fromNumber: Account.number, toNumber: Account.jane, body: "Hello",
                replyToMessageID: delivery.messageIDs[0])
            let sent = try await account.api.send(reply)
            expectNoDifference(sent.replyToMessageID, delivery.messageIDs[0])
        }
    }

    @Test(arguments: Way.allCases) func `each tapback is put and seen`(way: Way) async throws {
        try await onAccount(way) { account in
            for reaction in ReactionType.tapbacks {
                let delivery = try await account.text("Hi")
                let id = delivery.messageIDs[0]
                let receipt = try await account.api.react(to: id, with: reaction)
                expectNoDifference(
                    receipt,
                    ReactionReceipt(id: receipt.id, reactionType: reaction, messageID: id, channel: .imessage))
                let page = try await account.api.messages(
                    in: delivery.conversationID, limit: 1, before: nil, after: nil)
                expectNoDifference(
                    page.data.map(\.reactions),
                    [
                        [
                            MessageReaction(
                                id: receipt.id, reactionType: reaction, fromNumber: Account.number,
                                direction: .outbound,
                                createdAt: account.now)
                        ]
                    ])
            }
        }
    }

    @Test(arguments: Way.allCases) func `both sides' reactions stand on a message`(way: Way) async throws {
        try await onAccount(way) { account in
            let sent = try await account.api.send(Self.message("Hi"))
            try await account.phones.react(from: Account.jane, to: sent.id, with: .like)
            _ = try await account.api.react(to: sent.id, with: .question)
            let id = try #require(sent.conversationID)
            let page = try await account.api.messages(in: id, limit: 1, before: nil, after: nil)
            let reactions = page.data.flatMap(\.reactions).map { "\($0.direction) \($0.reactionType)" }
            expectNoDifference(reactions, ["inbound like", "outbound question"])
        }
    }

    @Test(arguments: Way.allCases) func `a reaction on SMS or MMS is refused`(way: Way) async throws {
        try await onAccount(way) { account in
            try await account.phones.add(Account.jane, imessage: false)
            let text = try await account.text("Hi")
            let picture = try await account.text("", media: [Account.photo])
            for id in text.messageIDs + picture.messageIDs {
                let error = await #expect(throws: APIError.self) { try await account.api.react(to: id, with: .love) }
                expectNoDifference(error?.code, .invalidRequest)
                expectNoDifference(error?.status, 400)
            }
        }
    }

    @Test(arguments: Way.allCases) func `another word is no reaction`(way: Way) async throws {
        try await onAccount(way) { account in
            let id = try await account.text("Hi").messageIDs[0]
            for word in ["", "Liked", "LOVE", "heart", "love "] {
                await expectError(.invalidRequest, field: "reaction") {
                    try await account.api.react(to: id, with: ReactionType(rawValue: word))
                }
            }
        }
    }

    static func message(_ body: String, media: [String]? = nil) -> OutboundMessage {
        OutboundMessage(fromNumber: Account.number, toNumber: Account.jane, body: body, mediaURLs: media)
    }
}
