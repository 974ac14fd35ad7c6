import Conversations
import CustomDump
import DurableExecution
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Rules

@Suite struct EventPreparationTests {
    /// Claims in memory.
    private final class Claims: Sendable {
        private let holders = Mutex<[String: Int64]>([:])

        init(_ holders: [String: Int64] = [:]) { self.holders.withLock { $0 = holders } }

        func claim(_ identity: String, for event: Int64) -> ClaimResult {
            holders.withLock { holders in
                if let holder = holders[identity], holder != event { return .heldBy(holder) }
                holders[identity] = event
                return .claimed
            }
        }

        func on(_ event: Event) -> any IdentityClaims { OfEvent(claims: self, event: event.sequence) }

        private struct OfEvent: IdentityClaims {
            let claims: Claims
            let event: Int64

            func claim(_ identity: String) async throws -> ClaimResult { claims.claim(identity, for: event) }
        }
    }

    private struct Inspector: MediaInspecting {
        var kinds: [String: MediaKind]

        func kind(of url: String) async -> MediaKind? { kinds[url] }
    }

    private let api = FakeAPI()
    private let clock = ManualClock()
    private let claims = Claims()

    init() { api.change { $0.conversations["conv_1"] = .sample(metadata: ["from": "api"]) } }

    private func writer(onlyWriter: Bool = false) -> MetadataWriter {
        MetadataWriter(api: api, isOnlyWriter: onlyWriter, now: { [clock] in clock.date })
    }

    private func preparation(_ writer: MetadataWriter? = nil, media: [String: MediaKind] = [:]) -> EventPreparation {
        EventPreparation(
            api: api, metadata: writer ?? self.writer(), media: Inspector(kinds: media), startedAt: noon.date,
            now: { [clock] in clock.date })
    }

    private func event(
        _ content: ConversationEvent, sequence: Int64 = 1, acceptedAt: Date = noon.date
    ) throws -> Event {
        let new = try content.new()
        return Event(
            sequence: sequence, identity: new.identities[0], queue: new.queue, kind: new.kind, source: new.source,
            payload: new.payload, occurredAt: new.occurredAt, acceptedAt: acceptedAt)
    }

    private func prepared(
        _ content: ConversationEvent, sequence: Int64 = 1, asksForFirst: Bool = false, with: EventPreparation? = nil
    ) async throws -> ConversationEvent? {
        let event = try event(content, sequence: sequence)
        let preparation = try await (with ?? preparation()).prepare(
            event, claims: claims.on(event), asksForFirst: asksForFirst)
        guard case .ready(let payload) = preparation else { return nil }
        return try JSON.decode(ConversationEvent.self, from: payload)
    }

    private func result(_ content: ConversationEvent, sequence: Int64) async throws -> Preparation {
        let event = try event(content, sequence: sequence)
        return try await preparation().prepare(event, claims: claims.on(event), asksForFirst: false)
    }

    // MARK: Which message it is

    @Test func `an event that knows all is left as it is, without a call`() async throws {
        let event = ConversationEvent.message(media: ["https://e.com/1.png"], metadata: ["from": "webhook"])
        expectSame(try await prepared(event), event)
        #expect(api.calls.isEmpty)
    }

    @Test func `a message without id is looked up`() async throws {
        api.change { $0.messages["conv_1"] = [.sample("msg_a", "Bye"), .sample("msg_b", "Hello")] }
        let event = try await prepared(.message("Hello", id: nil))
        #expect(event?.message?.id == "msg_b")
    }

    @Test func `two equal messages get an id each, the older first`() async throws {
        api.change { state in
            state.messages["conv_1"] = [.sample("msg_b", at: noon.advanced(by: .milliseconds(5))), .sample("msg_a")]
        }
        #expect(try await prepared(.message(id: nil), sequence: 1)?.message?.id == "msg_a")
        #expect(try await prepared(.message(id: nil), sequence: 2)?.message?.id == "msg_b")
    }

    @Test func `preparing again after a crash finds the same message`() async throws {
        api.change { $0.messages["conv_1"] = [.sample("msg_a"), .sample("msg_b")] }
        let first = try await prepared(.message(id: nil), sequence: 1)?.message?.id
        #expect(try await prepared(.message(id: nil), sequence: 1)?.message?.id == first)
    }

    @Test func `a message that polling brought before is a duplicate`() async throws {
        api.change { $0.messages["conv_1"] = [.sample("msg_a")] }
        _ = claims.claim(EventIdentity.message("msg_a"), for: 1)
        expectSame(
            try await result(.message(id: nil), sequence: 2),
            .duplicate(of: 1, reason: "the same message as event 1"))
    }

    @Test func `both polled before, both deliveries are duplicates, each of its own`() async throws {
        api.change { $0.messages["conv_1"] = [.sample("msg_a"), .sample("msg_b")] }
        _ = claims.claim(EventIdentity.message("msg_a"), for: 1)
        _ = claims.claim(EventIdentity.message("msg_b"), for: 2)
        let results = [
            try await result(.message(id: nil), sequence: 3), try await result(.message(id: nil), sequence: 4),
        ]
        expectNoDifference(
            Set(results),
            [
                .duplicate(of: 1, reason: "the same message as event 1"),
                .duplicate(of: 2, reason: "the same message as event 2"),
            ])
    }

    @Test func `an equal message that can't be read yet is waited for, not taken for the first`() async throws {
        api.change { $0.messages["conv_1"] = [.sample("msg_a")] }
        #expect(try await prepared(.message(id: nil), sequence: 1)?.message?.id == "msg_a")
        let failure = await #expect(throws: EngineFailure.self) {
            try await prepared(.message(id: nil), sequence: 2)
        }
        #expect(failure?.retryable == true)
        api.change { $0.messages["conv_1"]?.append(.sample("msg_b")) }
        #expect(try await prepared(.message(id: nil), sequence: 2)?.message?.id == "msg_b")
    }

    @Test func `a delivery too many is given up as a duplicate in the end`() async throws {
        api.change { $0.messages["conv_1"] = [.sample("msg_a")] }
        _ = try await prepared(.message(id: nil), sequence: 1)
        clock.advance(by: EventPreparation.lookUpPatience)
        expectSame(
            try await result(.message(id: nil), sequence: 2),
            .duplicate(of: 1, reason: "the same message as event 1, told by another delivery"))
    }

    @Test func `a message that isn't there is looked for again for a while`() async throws {
        let early = await #expect(throws: EngineFailure.self) { try await prepared(.message(id: nil)) }
        #expect(early?.retryable == true)
        clock.advance(by: EventPreparation.lookUpPatience)
        let late = await #expect(throws: EngineFailure.self) { try await prepared(.message(id: nil)) }
        expectNoDifference(
            late,
            EngineFailure(
                "the payload has no message id, and its message is not among those of conversation conv_1",
                retryable: false))
    }

    @Test(arguments: [
        (APIError(.unavailable, "down"), EngineFailure("down", retryable: true, upstream: "api")),
        (
            APIError(.rateLimited, "slowly", retryAfter: .seconds(7)),
            EngineFailure("slowly", retryable: true, retryAfter: .seconds(7))
        ),
        (APIError(.unauthorized, "no key"), EngineFailure("no key", retryable: false)),
    ])
    func `while the API is down the event waits`(_ error: APIError, _ failure: EngineFailure) async throws {
        api.fail(.messages, error)
        await #expect(throws: failure) { try await prepared(.message(id: nil)) }
    }

    @Test func `a payload that can't be read fails the event for good`() async throws {
        var event = try event(.message())
        event.payload = Data("{}".utf8)
        let failure = await #expect(throws: EngineFailure.self) {
            try await preparation().prepare(event, claims: claims.on(event), asksForFirst: false)
        }
        #expect(failure?.retryable == false)
    }

    // MARK: The conversation

    @Test func `metadata that the event doesn't bring is read`() async throws {
        var content = ConversationEvent.message()
        content.conversation.hasMetadata = false
        let event = try await prepared(content)
        #expect(event?.conversation.metadata == ["from": "api"])
        #expect(event?.conversation.hasMetadata == true)
        #expect(api.calls == ["conversation conv_1"])
    }

    @Test func `a reaction without number gets it with the metadata`() async throws {
        var content = ConversationEvent.reaction()
        content.conversation.number = ""
        let event = try await prepared(content)
        #expect(event?.conversation.number == "+15551234567")
        #expect(event?.conversation.metadata == ["from": "api"])
    }

    @Test func `an event from before the start is read anew`() async throws {
        let old = try event(.message(metadata: ["from": "webhook"]), acceptedAt: noon.date.addingTimeInterval(-1))
        let result = try await preparation().prepare(old, claims: claims.on(old), asksForFirst: false)
        guard case .ready(let payload) = result else { return }
        #expect(
            try JSON.decode(ConversationEvent.self, from: payload).conversation.metadata == ["from": "api"])
    }

    @Test func `this host's own later writes are seen`() async throws {
        let writer = writer()
        clock.advance(by: .seconds(1))
        _ = try await writer.change("conv_1") { $0.merging(["topic": "orders"], uniquingKeysWith: { $1 }) }
        let event = try await prepared(.message(metadata: ["from": "webhook"]), with: preparation(writer))
        #expect(event?.conversation.metadata == ["from": "api", "topic": "orders"])
    }

    @Test func `the only writer needn't read what it wrote`() async throws {
        let writer = writer(onlyWriter: true)
        clock.advance(by: .seconds(1))
        _ = try await writer.replace("conv_1", with: ["topic": "orders"])
        api.forgetCalls()
        let event = try await prepared(.message(metadata: ["from": "webhook"]), with: preparation(writer))
        #expect(event?.conversation.metadata == ["topic": "orders"])
        #expect(api.calls.isEmpty)
    }

    // MARK: Media and first

    @Test func `media are told by their names, else by a look, else they are files`() async throws {
        let urls = ["https://e.com/a.mp4", "https://e.com/look", "https://e.com/odd"]
        let event = try await prepared(
            .message(media: urls), with: preparation(media: ["https://e.com/look": .image]))
        #expect(event?.message?.attachments.map(\.kind) == [.video, .image, .file])
    }

    @Test func `a message is first if none came before it`() async throws {
        api.change { $0.messages["conv_1"] = [.sample("msg_1"), .sample("msg_2", at: noon.advanced(by: .seconds(9)))] }
        #expect(try await prepared(.message(), asksForFirst: true)?.isFirst == true)
        #expect(
            try await prepared(.message(id: "msg_2", at: noon.advanced(by: .seconds(9))), asksForFirst: true)?.isFirst
                == false)
        #expect(try await prepared(.message())?.isFirst == nil)
    }

    @Test func `of two messages in one second only the first is first`() async throws {
        api.change { $0.messages["conv_1"] = [.sample("msg_2"), .sample("msg_1")] }
        #expect(try await prepared(.message(id: "msg_1"), asksForFirst: true)?.isFirst == true)
        #expect(try await prepared(.message(id: "msg_2"), asksForFirst: true)?.isFirst == false)
    }

    @Test func `a message that can't be read yet is first if none came before it`() async throws {
        let later = Message.sample("msg_2", at: noon.advanced(by: .milliseconds(500)))
        api.change { $0.messages["conv_1"] = [later] }
        #expect(try await prepared(.message(id: "msg_1"), asksForFirst: true)?.isFirst == true)
    }

    @Test func `a call needs no preparation`() async throws {
        expectSame(try await prepared(.call(), asksForFirst: true), .call())
        #expect(api.calls.isEmpty)
    }
}
