import ConversationGateway
import Conversations
import CustomDump
import TestSupport
import Testing

extension ConversationAPIConformance {
    @Test(arguments: Way.allCases) func `a new account has no conversations`(way: Way) async throws {
        try await onAccount(way) { account in
            let page = try await account.api.conversations(limit: 20, offset: 0)
            expectNoDifference(page, ConversationPage(data: [], hasMore: false, total: 0))
        }
    }

    @Test(arguments: Way.allCases) func `the first text opens a conversation`(way: Way) async throws {
        try await onAccount(way) { account in
            let delivery = try await account.text("Hi, I need help with my order")
            var page = try await account.api.conversations(limit: 20, offset: 0)
            let conversation = try #require(page.data.first)
            expectNoDifference(conversation.phoneNumberID.isEmpty, false)
            page.data[0].phoneNumberID = ""
            expectNoDifference(
                page,
                ConversationPage(
                    data: [
                        Conversation(
                            id: delivery.conversationID, agentID: conversation.agentID, phoneNumberID: "",
                            phoneNumber: Account.number, participant: Account.jane, lastMessageAt: account.now,
                            lastMessagePreview: "Hi, I need help with my order", messageCount: 1, metadata: nil,
                            createdAt: account.now)
                    ], hasMore: false, total: 1))
        }
    }

    @Test(arguments: Way.allCases) func `the latest activity comes first`(way: Way) async throws {
        try await onAccount(way) { account in
            for phone in ["+15550000001", "+15550000002", "+15550000003", "+15550000001"] {
                account.clock.advance(by: .seconds(1))
                try await account.text("Hi", from: phone)
            }
            let page = try await account.api.conversations(limit: 20, offset: 0)
            expectNoDifference(page.data.map(\.participant), ["+15550000001", "+15550000003", "+15550000002"])
            expectNoDifference(page.data.map(\.messageCount), [2, 1, 1])
        }
    }

    @Test(arguments: Way.allCases) func `pages by offset fit together`(way: Way) async throws {
        try await onAccount(way) { account in
            // All of one instant, so that nothing but the order of equals holds the pages together.
            for index in 0..<7 { try await account.text("Hi", from: "+1555000000\(index)") }
            let all = try await account.api.conversations(limit: 100, offset: 0)
            var paged: [Conversation] = []
            for (offset, count, hasMore) in [(0, 3, true), (3, 3, true), (6, 1, false), (7, 0, false), (50, 0, false)] {
                let page = try await account.api.conversations(limit: 3, offset: offset)
                expectNoDifference([page.data.count, page.total], [count, 7])
                expectNoDifference(page.hasMore, hasMore)
                paged += page.data
            }
            expectNoDifference(paged, all.data)
        }
    }

    @Test(arguments: Way.allCases) func `a page that ends with the last says that there is no more`(way: Way)
        async throws
    {
        try await onAccount(way) { account in
            for index in 0..<4 { try await account.text("Hi", from: "+1555000000\(index)") }
            let page = try await account.api.conversations(limit: 2, offset: 2)
            expectNoDifference([page.data.count, page.total], [2, 4])
            expectNoDifference(page.hasMore, false)
        }
    }

    @Test(arguments: Way.allCases) func `the bounds of a list are kept, not clamped`(way: Way) async throws {
        try await onAccount(way) { account in
            for limit in [Int.min, -1, 0, 101, Int.max] {
                await expectError(.invalidRequest, field: "limit") {
                    try await account.api.conversations(limit: limit, offset: 0)
                }
            }
            for offset in [Int.min, -1] {
                await expectError(.invalidRequest, field: "offset") {
                    try await account.api.conversations(limit: 1, offset: offset)
                }
            }
            for (limit, offset) in [(1, 0), (100, 0), (100, Int.max)] {
                let page = try await account.api.conversations(limit: limit, offset: offset)
                expectNoDifference(page.total, 0)
            }
        }
    }

    @Test(arguments: Way.allCases) func `all conversations come once, whatever happens meanwhile`(way: Way) async throws
    {
        try await onAccount(way) { account in
            for index in 0..<9 {
                account.clock.advance(by: .seconds(1))
                try await account.text("Hi", from: "+1555000000\(index)")
            }
            var participants: [String] = []
            for try await conversation in account.api.allConversations(pageSize: 2) {
                participants.append(conversation.participant)
                guard participants.count % 2 == 0, participants.count < 8 else { continue }
                // One whose page is yet to be read, and one that is new.
                account.clock.advance(by: .seconds(1))
                try await account.text("Hi", from: "+1555000000\(participants.count / 2 - 1)")
                try await account.text("Hi", from: "+1555000010\(participants.count)")
            }
            let all = try await account.api.conversations(limit: 100, offset: 0)
            expectNoDifference(participants.count, 12)
            expectNoDifference(Set(participants), Set(all.data.map(\.participant)))
        }
    }

    @Test(arguments: Way.allCases) func `a conversation comes with its latest messages, newest first`(way: Way)
        async throws
    {
        try await onAccount(way) { account in
            let id = try await account.conversation(["one", "two", "three"])
            let listed = try await account.api.conversations(limit: 1, offset: 0).data[0]
            let detail = try await account.api.conversation(id, messageLimit: 2)
            expectNoDifference(detail.messages.map(\.body), ["three", "two"])
            var expected = listed
            expected.lastMessagePreview = nil
            expectNoDifference(detail.conversation, expected)
            expectNoDifference(detail.conversation.messageCount, 3)
        }
    }

    @Test(arguments: Way.allCases) func `the bound of a conversation's messages is kept`(way: Way) async throws {
        try await onAccount(way) { account in
            let id = try await account.conversation(["one"])
            for limit in [-1, 0, 101, Int.max] {
                await expectError(.invalidRequest, field: "message_limit") {
                    try await account.api.conversation(id, messageLimit: limit)
                }
            }
            for limit in [1, 100] {
                let detail = try await account.api.conversation(id, messageLimit: limit)
                expectNoDifference(detail.messages.count, 1)
            }
        }
    }

    @Test(arguments: Way.allCases) func `an unknown id is not found, whatever it looks like`(way: Way) async throws {
        try await onAccount(way) { account in
            let id = try await account.conversation(["one"])
            let unknown = [
                "conv_none", "", " ", ".", "..", "../webhooks", "a/b", "\(id)/messages", "\(id)/", "\(id)?limit=1",
                "%2e%2e",
                "\(id)%00", "ü", "\(id)#", "'; DROP TABLE conversation; --", String(repeating: "x", count: 500),
            ]
            for text in unknown {
                let id = Conversation.ID(text)
                await expectError(.notFound) { try await account.api.conversation(id, messageLimit: 1) }
                await expectError(.notFound) { try await account.api.update(id, with: ConversationUpdate()) }
                await expectError(.notFound) {
                    try await account.api.messages(in: id, limit: 1, before: nil, after: nil)
                }
                await expectError(.notFound) { try await account.api.showTyping(in: id) }
                await expectError(.notFound) { try await account.api.react(to: Message.ID(text), with: .love) }
            }
        }
    }

    @Test(arguments: Way.allCases) func `typing is shown in a conversation`(way: Way) async throws {
        try await onAccount(way) { account in
            let id = try await account.conversation(["one"])
            let receipt = try await account.api.showTyping(in: id)
            expectNoDifference(receipt.conversationID, id)
            expectNoDifference(receipt.channel, .imessage)
        }
    }
}
