import Conversations
import CustomDump
import Testing

@Suite struct ConversationSequenceTests {
    @Test(arguments: [1, 2, 3, 7, 8, 100])
    func `conversations come by latest activity, each once`(pageSize: Int) async throws {
        let api = PagedAPI(.init(conversations: Self.conversations(7)))
        try await expectIDs(of: api.allConversations(pageSize: pageSize), ["c6", "c5", "c4", "c3", "c2", "c1", "c0"])
    }

    @Test func `pages are asked for one after the other, and the top once more`() async throws {
        let api = PagedAPI(.init(conversations: Self.conversations(5)))
        _ = try await Self.ids(api.allConversations(pageSize: 2))
        expectNoDifference(api.requests.map(\.offset), [0, 2, 4, 0])
    }

    @Test func `what fits in a page costs one call`() async throws {
        let api = PagedAPI(.init(conversations: Self.conversations(2)))
        _ = try await Self.ids(api.allConversations(pageSize: 2))
        expectNoDifference(api.requests.map(\.offset), [0])
    }

    @Test func `one that becomes active before its page was read is not skipped`() async throws {
        let api = PagedAPI(.init(conversations: Self.conversations(6))) { state in
            if state.requests.count == 2 { state.touch("c0", at: Timestamp(microseconds: 1000)) }
        }
        try await expectIDs(of: api.allConversations(pageSize: 2), ["c5", "c4", "c3", "c2", "c1", "c0"])
    }

    @Test func `several that become active, also while the top is read again, all come once`() async throws {
        let api = PagedAPI(.init(conversations: Self.conversations(12))) { state in
            let count = state.requests.count
            guard (2...6).contains(count) else { return }
            state.touch(Conversation.ID("c\(count - 2)"), at: Timestamp(microseconds: Int64(1000 + count)))
        }
        let ids = try await Self.ids(api.allConversations(pageSize: 3))
        expectNoDifference(ids.count, 12)
        expectNoDifference(Set(ids), Set((0..<12).map { "c\($0)" }))
    }

    @Test func `one that is new comes as well`() async throws {
        let api = PagedAPI(.init(conversations: Self.conversations(4))) { state in
            if state.requests.count == 2 { state.conversations.insert(Self.conversation("new", at: 1000), at: 0) }
        }
        try await expectIDs(of: api.allConversations(pageSize: 2), ["c3", "c2", "c1", "c0", "new"])
    }

    @Test(arguments: [1, 2, 3]) func `equal or absent times of activity make no endless loop`(pageSize: Int)
        async throws
    {
        let equal = (0..<5).map { Self.conversation("c\($0)", at: 7) }
        try await expectIDs(
            of: PagedAPI(.init(conversations: equal)).allConversations(pageSize: pageSize), (0..<5).map { "c\($0)" })
        let silent = (0..<5).map { Self.conversation("c\($0)", at: nil) }
        try await expectIDs(
            of: PagedAPI(.init(conversations: silent)).allConversations(pageSize: pageSize), (0..<5).map { "c\($0)" })
    }

    @Test func `an error ends it`() async throws {
        let api = PagedAPI(.init(error: APIError(.unauthorized, "no")))
        var iterator = api.allConversations().makeAsyncIterator()
        await #expect(throws: APIError(.unauthorized, "no")) { try await iterator.next() }
        let end = try await iterator.next()
        expectNoDifference(end, nil)
    }

    private static func conversations(_ count: Int) -> [Conversation] {
        (0..<count).reversed().map { conversation("c\($0)", at: Int64($0)) }
    }

    private static func conversation(_ id: String, at microseconds: Int64?) -> Conversation {
        Conversation(
            id: Conversation.ID(id), agentID: nil, phoneNumberID: "n", phoneNumber: "+1", participant: "+2",
            lastMessageAt: microseconds.map(Timestamp.init), messageCount: 0, metadata: nil,
            createdAt: Timestamp(microseconds: 0))
    }

    private static func ids(_ sequence: ConversationSequence) async throws -> [String] {
        try await sequence.reduce(into: []) { $0.append($1.id.rawValue) }
    }

    private func expectIDs(of sequence: ConversationSequence, _ expected: [String]) async throws {
        let ids = try await Self.ids(sequence)
        expectNoDifference(ids, expected)
    }
}
