import ConversationGateway
import Conversations
import CustomDump
import TestSupport
import Testing

extension ConversationAPIConformance {
    @Test(arguments: Way.allCases) func `a text is read as it was sent`(way: Way) async throws {
        try await onAccount(way) { account in
            let delivery = try await account.text("Grüße 👋🏽\n\"zitiert\"")
            let page = try await account.api.messages(in: delivery.conversationID, limit: 50, before: nil, after: nil)
            expectNoDifference(
                page,
                MessagePage(
                    data: [
                        Message(
                            id: delivery.messageIDs[0], body: "Grüße 👋🏽\n\"zitiert\"", fromNumber: Account.jane,
                            toNumber: Account.number, direction: .inbound, channel: .imessage, receivedAt: account.now)
                    ], hasMore: false))
        }
    }

    @Test(arguments: Way.allCases) func `a picture by SMS arrives as MMS`(way: Way) async throws {
        try await onAccount(way) { account in
            try await account.phones.add(Account.jane, imessage: false)
            try await account.text("plain")
            let id = try await account.text("", media: [Account.photo]).conversationID
            let page = try await account.api.messages(in: id, limit: 50, before: nil, after: nil)
            expectNoDifference(page.data.map(\.channel), [.mms, .sms])
            expectNoDifference(page.data.map(\.body), ["", "plain"])
            expectNoDifference(page.data.map(\.mediaURL), [Account.photo, nil])
        }
    }

    @Test(arguments: Way.allCases) func `a carousel arrives as separate messages`(way: Way) async throws {
        try await onAccount(way) { account in
            let urls = (1...3).map { "https://cdn.example.com/\($0).png" }
            let id = try await account.text("", media: urls).conversationID
            let page = try await account.api.messages(in: id, limit: 50, before: nil, after: nil)
            expectNoDifference(page.data.map(\.mediaURL), urls.reversed())
            expectNoDifference(page.data.map(\.mediaURLs), urls.reversed().map { [$0] })
            expectNoDifference(page.data.map(\.channel), [.imessage, .imessage, .imessage])
            expectNoDifference(Set(page.data.map(\.id)).count, 3)
        }
    }

    @Test(arguments: Way.allCases) func `an e-mail address takes part as well`(way: Way) async throws {
        try await onAccount(way) { account in
            let id = try await account.conversation(["Hi"], from: "jane@example.com")
            let detail = try await account.api.conversation(id, messageLimit: 1)
            expectNoDifference(detail.conversation.participant, "jane@example.com")
            expectNoDifference(detail.messages.map(\.fromNumber), ["jane@example.com"])
        }
    }

    @Test(arguments: Way.allCases) func `messages come newest first, the newest of those asked for`(way: Way)
        async throws
    {
        try await onAccount(way) { account in
            let id = try await self.minutes(0..<6, account)
            func bodies(_ limit: Int, before: Int? = nil, after: Int? = nil) async throws -> [String] {
                let page = try await account.api.messages(
                    in: id, limit: limit, before: before.map { Self.minute($0) }, after: after.map { Self.minute($0) })
                return page.data.map(\.body) + (page.hasMore ? ["…"] : [])
            }
            let pages = try await [
                bodies(50), bodies(6), bodies(5), bodies(2, before: 4), bodies(3, before: 3), bodies(2, after: 1),
                bodies(4, after: 1), bodies(50, before: 4, after: 1), bodies(1, before: 4, after: 1),
                bodies(50, before: 1, after: 4), bodies(50, before: 0), bodies(50, after: 5),
            ]
            expectNoDifference(
                pages,
                [
                    ["5", "4", "3", "2", "1", "0"], ["5", "4", "3", "2", "1", "0"], ["5", "4", "3", "2", "1", "…"],
                    ["3", "2", "…"], ["2", "1", "0"], ["5", "4", "…"], ["5", "4", "3", "2"], ["3", "2"], ["3", "…"], [],
                    [],
                    [],
                ])
        }
    }

    @Test(arguments: Way.allCases) func `a cursor's fraction of a second counts`(way: Way) async throws {
        try await onAccount(way) { account in
            let id = try await self.minutes(0..<1, account)
            let moment = Self.minute(0)
            for (step, isBefore) in [(-1, false), (0, false), (1, true)] {
                let cursor = moment.advanced(by: .milliseconds(step))
                let page = try await account.api.messages(in: id, limit: 1, before: cursor, after: nil)
                expectNoDifference(page.data.count, isBefore ? 1 : 0)
                let rest = try await account.api.messages(
                    in: id, limit: 1, before: nil, after: moment.advanced(by: .microseconds(step)))
                expectNoDifference(rest.data.count, step < 0 ? 1 : 0)
            }
        }
    }

    @Test(arguments: Way.allCases) func `cursors of any year are taken`(way: Way) async throws {
        try await onAccount(way) { account in
            let id = try await account.conversation(["one"])
            let (first, last) = try (#require(Timestamp("0001-01-01")), #require(Timestamp("9999-12-31T23:59:59Z")))
            let all = try await account.api.messages(in: id, limit: 1, before: last, after: first)
            expectNoDifference(all.data.count, 1)
            let none = try await account.api.messages(in: id, limit: 1, before: first, after: last)
            expectNoDifference(none, MessagePage(data: [], hasMore: false))
        }
    }

    @Test(arguments: Way.allCases) func `the bounds of a page of messages are kept`(way: Way) async throws {
        try await onAccount(way) { account in
            let id = try await account.conversation(["one"])
            for limit in [Int.min, -1, 0, 201, Int.max] {
                await expectError(.invalidRequest, field: "limit") {
                    try await account.api.messages(in: id, limit: limit, before: nil, after: nil)
                }
            }
            for limit in [1, 200] {
                let page = try await account.api.messages(in: id, limit: limit, before: nil, after: nil)
                expectNoDifference(page.data.count, 1)
            }
        }
    }

    @Test(arguments: Way.allCases) func `messages of one instant are paged without skip or repeat`(way: Way)
        async throws
    {
        try await onAccount(way) { account in
            let bodies = (0..<23).map { "\($0)" }
            let id = try await account.conversation(bodies)
            for pageSize in [1, 5, 23, 200] {
                var seen: [String] = []
                for try await message in account.api.messages(in: id, pageSize: pageSize) { seen.append(message.body) }
                expectNoDifference(seen, bodies.reversed())
            }
        }
    }

    @Test(arguments: Way.allCases) func `a page begins where the last one ended, by its oldest time`(way: Way)
        async throws
    {
        try await onAccount(way) { account in
            let bodies = (0..<7).map { "\($0)" }
            let id = try await account.conversation(bodies)
            var seen: [String] = []
            var before: Timestamp?
            var hasMore = true
            while hasMore, seen.count < 20 {
                let page = try await account.api.messages(in: id, limit: 2, before: before, after: nil)
                seen += page.data.map(\.body)
                before = page.data.last?.receivedAt
                hasMore = page.hasMore
            }
            expectNoDifference(seen, bodies.reversed())
        }
    }

    @Test(arguments: Way.allCases) func `messages that arrive between pages disturb nothing`(way: Way) async throws {
        try await onAccount(way) { account in
            let bodies = (0..<9).map { "\($0)" }
            let id = try await account.conversation(bodies)
            var seen: [String] = []
            for try await message in account.api.messages(in: id, pageSize: 2) {
                seen.append(message.body)
                try await account.text("new")
            }
            expectNoDifference(seen, bodies.reversed())
        }
    }

    @Test(arguments: Way.allCases) func `a sequence keeps to its bounds`(way: Way) async throws {
        try await onAccount(way) { account in
            let id = try await self.minutes(0..<8, account)
            var seen: [String] = []
            for try await message in account.api.messages(
                in: id, before: Self.minute(6), after: Self.minute(1), pageSize: 3)
            {
                seen.append(message.body)
            }
            expectNoDifference(seen, ["5", "4", "3", "2"])
        }
    }

    /// A conversation with a text in each of these minutes, which says which.
    private func minutes(_ range: Range<Int>, _ account: Account) async throws -> Conversation.ID {
        var id: Conversation.ID = ""
        for minute in range {
            id = try await account.text("\(minute)").conversationID
            account.clock.advance(by: .seconds(60))
        }
        return id
    }

    private static func minute(_ minute: Int) -> Timestamp {
        Timestamp(microseconds: 1_736_942_400_000_000 + Int64(minute) * 60_000_000)
    }
}
