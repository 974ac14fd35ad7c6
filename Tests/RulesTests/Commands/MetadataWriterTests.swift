import Conversations
import CustomDump
import TestSupport
import Testing

@testable import Rules

@Suite struct MetadataWriterTests {
    private func api(_ metadata: Metadata? = ["a": 1], beforeUpdate: @escaping @Sendable () async -> Void = {})
        -> FakeAPI
    {
        let api = FakeAPI(beforeUpdate: beforeUpdate)
        api.change { $0.conversations["conv_1"] = .sample(metadata: metadata) }
        return api
    }

    private func writer(_ api: FakeAPI, isOnlyWriter: Bool = false) -> MetadataWriter {
        MetadataWriter(api: api, isOnlyWriter: isOnlyWriter, now: { noon.date })
    }

    private func set(_ key: String, _ value: JSONValue) -> @Sendable (Metadata) async throws -> Metadata? {
        { $0.merging([key: value], uniquingKeysWith: { $1 }) }
    }

    @Test func `a change reads, merges and replaces`() async throws {
        let api = api()
        expectSame(try await writer(api).change("conv_1", set("b", 2)), ["a": 1, "b": 2])
        #expect(api.calls == ["conversation conv_1", "update conv_1"])
        #expect(api.metadata(of: "conv_1") == ["a": 1, "b": 2])
    }

    @Test func `changes at once lose nothing`() async throws {
        let api = api(beforeUpdate: { await Task.yield() })
        let writer = writer(api)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<200 {
                group.addTask { _ = try await writer.change("conv_1", set("key_\(index)", .integer(Int64(index)))) }
            }
            try await group.waitForAll()
        }
        #expect(api.metadata(of: "conv_1")?.count == 201)
    }

    @Test func `a change that changes nothing is not written`() async throws {
        let api = api()
        expectSame(try await writer(api).change("conv_1") { _ in nil }, ["a": 1])
        #expect(api.calls == ["conversation conv_1"])
    }

    @Test func `a retry reads and merges again`() async throws {
        let api = api()
        let writer = writer(api)
        api.fail(.update, APIError(.unavailable, "down"))
        await #expect(throws: APIError(.unavailable, "down")) { try await writer.change("conv_1", set("b", 2)) }
        api.change { $0.conversations["conv_1"]?.metadata = ["a": 1, "other": true] }
        expectSame(try await writer.change("conv_1", set("b", 2)), ["a": 1, "b": 2, "other": true])
    }

    @Test func `a failed change lets the next one go on`() async throws {
        struct Refused: Error {}
        let writer = writer(api())
        await #expect(throws: Refused.self) { try await writer.change("conv_1") { _ in throw Refused() } }
        expectSame(try await writer.change("conv_1", set("b", 2)), ["a": 1, "b": 2])
    }

    @Test func `the only writer reads once`() async throws {
        let api = api()
        let writer = writer(api, isOnlyWriter: true)
        for index in 0..<Int64(3) { _ = try await writer.change("conv_1", set("n", .integer(index))) }
        #expect(
            api.calls == ["conversation conv_1", "update conv_1", "update conv_1", "update conv_1"])
    }

    @Test func `the only writer reads again after a write of which it doesn't know`() async throws {
        let api = api()
        let writer = writer(api, isOnlyWriter: true)
        _ = try await writer.change("conv_1", set("b", 2))
        api.loseAnswer(of: .update, APIError(.unavailable, "lost"))
        _ = try? await writer.change("conv_1", set("c", 3))
        expectSame(try await writer.change("conv_1", set("d", 4)), ["a": 1, "b": 2, "c": 3, "d": 4])
        #expect(writer.known(of: "conv_1") == ["a": 1, "b": 2, "c": 3, "d": 4])
    }

    @Test func `metadata is set and cleared whole`() async throws {
        let api = api()
        let writer = writer(api)
        expectSame(try await writer.replace("conv_1", with: ["z": 26]), ["z": 26])
        expectSame(try await writer.replace("conv_1", with: nil), [:])
        #expect(api.metadata(of: "conv_1") == nil)
        expectNoDifference(
            api.updates,
            [ConversationUpdate(metadata: .replaced(["z": 26])), ConversationUpdate(metadata: .cleared)])
    }
}
