import Conversations
import CustomDump
import Testing

@Suite struct MessageSequenceTests {
    private static let second = Int64(1_000_000)

    @Test(arguments: [1, 2, 7, 24, 25, 26, 200])
    func `messages come newest first, each once`(pageSize: Int) async throws {
        let api = PagedAPI(.init(messages: Self.messages(at: (0..<25).map { $0 * Self.second })))
        try await expectIDs(of: api.messages(in: "c", pageSize: pageSize), Self.names(0..<25))
    }

    @Test(arguments: [1, 2, 3, 4, 5])
    func `messages with equal timestamps are neither skipped nor repeated`(pageSize: Int) async throws {
        let times = [0, 1, 1, 1, 1, 1, 1, 1, 2, 3, 3].map { $0 * Self.second }
        let api = PagedAPI(.init(messages: Self.messages(at: times)))
        try await expectIDs(of: api.messages(in: "c", pageSize: pageSize), Self.names(0..<11))
    }

    @Test(arguments: [1, 2, 3, 5])
    func `a server that hides fractions of seconds loses nothing`(pageSize: Int) async throws {
        let times = [0, 100, 250, 700_000, 999_999, 1_000_000, 1_200_000, 1_900_000, 5_000_000].map(Int64.init)
        let api = PagedAPI(.init(messages: Self.messages(at: times)), printsWholeSeconds: true)
        let ids = try await Self.ids(api.messages(in: "c", pageSize: pageSize))
        expectNoDifference(ids.count, 9)
        expectNoDifference(Set(ids), Set(Self.names(0..<9)))
    }

    @Test func `a page that is oldest first is turned round`() async throws {
        let api = PagedAPI(
            .init(messages: Self.messages(at: (0..<5).map { $0 * Self.second })), isOldestFirstInPage: true)
        try await expectIDs(of: api.messages(in: "c", pageSize: 2), Self.names(0..<5))
    }

    @Test func `a thousand messages within one second are paged by milliseconds`() async throws {
        let api = PagedAPI(.init(messages: Self.messages(at: (0..<1000).map { $0 * 1000 })))
        try await expectIDs(of: api.messages(in: "c", pageSize: 50), Self.names(0..<1000))
        expectNoDifference(api.requests.count, 21)
    }

    @Test func `a message that arrives meanwhile disturbs nothing`() async throws {
        let api = PagedAPI(.init(messages: Self.messages(at: (0..<6).map { $0 * Self.second }))) { state in
            let count = Int64(state.requests.count)
            guard count > 1 else { return }
            state.messages.insert(Self.message("new\(count)", at: (100 + count) * Self.second), at: 0)
        }
        try await expectIDs(of: api.messages(in: "c", pageSize: 2), Self.names(0..<6))
    }

    @Test func `before and after leave out the moments themselves`() async throws {
        let api = PagedAPI(.init(messages: Self.messages(at: (0..<10).map { $0 * Self.second })))
        let sequence = api.messages(
            in: "c", before: Timestamp(microseconds: 7 * Self.second), after: Timestamp(microseconds: 2 * Self.second),
            pageSize: 2)
        try await expectIDs(of: sequence, Self.names(3..<7))
    }

    @Test func `a bound within a second is not passed by looking at that second again`() async throws {
        let api = PagedAPI(.init(messages: Self.messages(at: [0, 0, 0, 600_000])), printsWholeSeconds: true)
        let sequence = api.messages(in: "c", before: Timestamp(microseconds: 500_000), pageSize: 1)
        let ids = try await Self.ids(sequence)
        expectNoDifference(Set(ids), Set(Self.names(0..<3)))
    }

    @Test func `larger pages are asked for only while one timestamp fills a page`() async throws {
        let api = PagedAPI(.init(messages: Self.messages(at: [0, 1, 2, 2, 2, 3].map { $0 * Self.second })))
        try await expectIDs(of: api.messages(in: "c", pageSize: 2), Self.names(0..<6))
        let cursors = api.requests.map { [$0.limit, $0.before.map { Int($0.microseconds / Self.second) }] }
        expectNoDifference(cursors, [[2, nil], [2, 3], [4, 3], [2, 2]])
    }

    @Test func `more equal timestamps than a page can hold are an error, not an endless loop`() async throws {
        let api = PagedAPI(.init(messages: Self.messages(at: Array(repeating: 0, count: 201))))
        var iterator = api.messages(in: "c", pageSize: 100).makeAsyncIterator()
        for _ in 0..<200 { _ = try await iterator.next() }
        let error = await #expect(throws: APIError.self) { try await iterator.next() }
        expectNoDifference(error?.code, .badResponse)
        let end = try await iterator.next()
        expectNoDifference(end, nil)
    }

    @Test func `an error ends it`() async throws {
        let api = PagedAPI(.init(messages: Self.messages(at: (0..<4).map { $0 * Self.second }))) { state in
            if state.requests.count == 2 { state.error = APIError(.unavailable, "down") }
        }
        var iterator = api.messages(in: "c", pageSize: 2).makeAsyncIterator()
        _ = try await iterator.next()
        _ = try await iterator.next()
        await #expect(throws: APIError(.unavailable, "down")) { try await iterator.next() }
        let end = try await iterator.next()
        expectNoDifference(end, nil)
        expectNoDifference(api.requests.count, 2)
    }

    @Test func `a conversation without messages costs one call`() async throws {
        let api = PagedAPI(.init())
        try await expectIDs(of: api.messages(in: "c"), [])
        expectNoDifference(api.requests, [PagedAPI.Request(limit: 100)])
    }

    /// Messages named for the place of their time in `times`, newest first.
    private static func messages(at times: [Int64]) -> [Message] {
        times.enumerated().map { message("m\($0)", at: $1) }.reversed()
    }

    private static func message(_ id: String, at microseconds: Int64) -> Message {
        Message(
            id: Message.ID(id), body: "", fromNumber: "", toNumber: "", direction: .inbound, channel: .sms,
            receivedAt: Timestamp(microseconds: microseconds))
    }

    private static func names(_ range: Range<Int>) -> [String] { range.reversed().map { "m\($0)" } }

    private static func ids(_ sequence: MessageSequence) async throws -> [String] {
        try await sequence.reduce(into: []) { $0.append($1.id.rawValue) }
    }

    private func expectIDs(of sequence: MessageSequence, _ expected: [String]) async throws {
        let ids = try await Self.ids(sequence)
        expectNoDifference(ids, expected)
    }
}
