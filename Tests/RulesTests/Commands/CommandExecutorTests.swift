import Conversations
import CustomDump
import DurableExecution
import Foundation
import Lua
import Synchronization
import TestSupport
import Testing

@testable import Rules

@Suite struct CommandExecutorTests {
    private let api = FakeAPI()

    init() {
        api.change { state in
            state.conversations["conv_1"] = .sample(metadata: ["a": 1])
            state.messages["conv_1"] = [.sample("msg_1", media: ["https://e.com/a.png"])]
        }
    }

    private func context(
        _ effect: Effect, checkpoint: Data? = nil,
        save: @escaping @Sendable (Data, [StoreOperation]) async throws -> Void = { _, _ in }
    ) throws -> CommandContext {
        CommandContext(
            invocation: Invocation(
                id: "inv_0000000000000001", event: 1, queue: "conv_1", rule: "acme/photos:heart", version: "v",
                createdAt: noon.date, updatedAt: noon.date),
            event: Event(
                sequence: 1, identity: "message:msg_1", queue: "conv_1", kind: "message", source: "webhook",
                payload: try ConversationEvent.message().new().payload, occurredAt: noon.date, acceptedAt: noon.date),
            position: 0, attempt: 1, checkpoint: checkpoint, save: save)
    }

    @discardableResult
    private func perform(
        _ name: RuleCommand, _ input: String, checkpoint: Data? = nil,
        save: @escaping @Sendable (Data, [StoreOperation]) async throws -> Void = { _, _ in }
    ) async throws -> JSONValue {
        let (contents, link) = (EventContents(), EngineLink())
        let executor = CommandExecutor(
            api: api, metadata: MetadataWriter(api: api, isOnlyWriter: false, now: { noon.date }),
            ledger: MetadataLedger(link: link),
            policy: Policy(
                PolicyConfiguration(), api: api, contents: contents, link: link, now: { noon.date }, logger: .silent),
            search: EffectSearch(api: api, contents: contents, link: link),
            now: { noon.advanced(by: .microseconds(1500)).date })
        let asked = LuaCommand(name: name.rawValue, arguments: [.json(input)], location: nil)
        let command = try RuleCommand.command(asked, pack: "acme/photos", event: .message())
        return try JSONValue(
            parsing: await executor.perform(
                command, in: context(command.effect, checkpoint: checkpoint, save: save)))
    }

    private func failure(_ name: RuleCommand, _ input: String) async -> CommandFailure? {
        await #expect(throws: CommandFailure.self) { try await perform(name, input) }
    }

    // MARK: Reading

    @Test func `conversations are listed as rules see them`() async throws {
        let page = try await perform(.listConversations, #"{ "limit": 1.0 }"#)
        expectNoDifference(
            page,
            try json(
                """
                { "conversations": [{ "id": "conv_1", "agent": "agt_1", "number_id": "num_1", "number": "+15551234567",
                  "participant": "+15559876543", "message_count": 1, "last_message_at": "2025-01-15T12:00:00Z",
                  "metadata": { "a": 1 }, "created_at": "2025-01-15T12:00:00Z" }], "total": 1, "has_more": false }
                """))
        #expect(api.calls == ["list 1 0"])
    }

    @Test func `a conversation that is gone is null`() async throws {
        #expect(try await perform(.getConversation, #"{ "conversation_id": "conv_9" }"#) == .null)
        #expect(try await perform(.getConversation, #"{ "conversation_id": "conv_1" }"#)["id"] == "conv_1")
    }

    @Test func `messages are listed as rules see them`() async throws {
        let messages = try await perform(
            .listMessages, #"{ "conversation_id": "conv_1", "after": "2025-01-15T11:00:00Z", "before": 1736942401 }"#)
        expectNoDifference(
            messages,
            try json(
                """
                [{ "id": "msg_1", "body": "Hello", "from_number": "+15559876543", "to_number": "+15551234567",
                   "direction": "inbound", "channel": "imessage", "media_url": "https://e.com/a.png",
                   "media_urls": ["https://e.com/a.png"], "received_at": "2025-01-15T12:00:00Z", "reactions": [],
                   "attachments": [{ "url": "https://e.com/a.png", "kind": "image" }] }]
                """))
    }

    @Test(arguments: [
        (#"{ "before": "yesterday" }"#, "before = \"yesterday\" is no ISO 8601 time; time.iso makes one"),
        (#"{ "after": true }"#, "after must be a time"), (#"{ "limit": "ten" }"#, "limit must be a whole number"),
        (#"{ "limit": 1.5 }"#, "limit must be a whole number"),
    ])
    func `a wrong option is named`(_ input: String, _ message: String) async {
        expectSame(
            await failure(.listMessages, input), CommandFailure(code: "invalid_request", message: message))
    }

    @Test func `the time is the host's, to the millisecond`() async throws {
        #expect(try await perform(.now, "{}") == 1_736_942_400.001)
    }

    // MARK: Effects

    @Test func `a message is sent from the conversation's number`() async throws {
        let sent = try await perform(
            .send,
            #"{ "conversation_id": "conv_1", "number_id": "num_1", "agent_id": "agt_1", "number": "+15551234567", "#
                + #""to": "+15559876543", "body": "Hi", "style": "love", "reply_to": "msg_1" }"#)
        expectNoDifference(
            api.sent,
            [
                OutboundMessage(
                    numberID: "num_1", toNumber: "+15559876543", body: "Hi", replyToMessageID: "msg_1",
                    sendStyle: "love")
            ])
        expectNoDifference(
            sent,
            try json(
                """
                { "id": "sent_1", "body": "Hi", "direction": "outbound", "from_number": "+15550001111",
                  "to_number": "+15559876543", "channel": "imessage", "media_urls": [], "attachments": [],
                  "status": "sent", "conversation_id": "conv_1" }
                """))
    }

    @Test(arguments: [
        #"{ "number": "+15551234567", "agent_id": "agt_1", "to": "+15550000009", "body": "" , "media": ["https://e.com/a.png"] }"#,
        #"{ "number_id": "", "number": "+15551234567", "agent_id": "agt_1", "to": "+15550000009", "media": ["https://e.com/a.png"] }"#,
    ])
    func `without the number's id, number and agent are given`(_ input: String) async throws {
        try await perform(.send, input)
        expectNoDifference(
            api.sent,
            [
                OutboundMessage(
                    agentID: "agt_1", fromNumber: "+15551234567", toNumber: "+15550000009", body: "",
                    mediaURLs: ["https://e.com/a.png"])
            ])
    }

    @Test func `a reaction tells what was put where`() async throws {
        let outcome = try await perform(.react, #"{ "message_id": "msg_1", "reaction": "love" }"#)
        expectNoDifference(outcome, ["id": "rxn_1", "reaction_type": "love", "message_id": "msg_1"])
        #expect(api.calls == ["react msg_1 love"])
    }

    @Test func `typing is best effort`() async throws {
        let input = #"{ "conversation_id": "conv_1" }"#
        #expect(try await perform(.showTyping, input) == true)
        for code in [APIError.Code.invalidRequest, .notImplemented] {
            api.fail(.typing, APIError(code, "no"))
            #expect(try await perform(.showTyping, input) == false)
        }
    }

    @Test func `typing while the API is down tells the engine so, which has the rule go on without it`() async throws {
        api.fail(.typing, APIError(.unavailable, "no"))
        let failure = await #expect(throws: CommandFailure.self) {
            _ = try await perform(.showTyping, #"{ "conversation_id": "conv_1" }"#)
        }
        #expect(failure?.upstreamDown == true)
    }

    @Test func `metadata is tagged, untagged, set and cleared`() async throws {
        let id = #""conversation_id": "conv_1""#
        #expect(
            try await perform(.tag, "{ \(id), \"fields\": { \"b\": { \"c\": [1] }, \"a\": null } }")
                == ["metadata": ["a": .null, "b": ["c": [1]]]])
        #expect(
            try await perform(.untag, "{ \(id), \"keys\": [\"a\", \"zzz\"] }") == ["metadata": ["b": ["c": [1]]]])
        #expect(try await perform(.setMetadata, "{ \(id), \"metadata\": { \"d\": 1 } }") == ["metadata": ["d": 1]])
        #expect(try await perform(.clearMetadata, "{ \(id) }") == ["metadata": [:]])
        #expect(api.metadata(of: "conv_1") == nil)
    }

    @Test func `untagging what isn't there writes nothing`() async throws {
        try await perform(.untag, #"{ "conversation_id": "conv_1", "keys": ["zzz"] }"#)
        #expect(api.updates.isEmpty)
    }

    // MARK: Counting

    private static let count = #"{ "conversation_id": "conv_1", "key": "photos", "by": 1 }"#

    @Test func `a count begins at nothing`() async throws {
        let outcome = try await perform(.increment, Self.count)
        expectNoDifference(outcome, ["metadata": ["a": 1, "photos": 1], "value": 1])
        expectSame(try await perform(.increment, Self.count)["value"], 2)
    }

    @Test func `a count whose answer was lost is counted once`() async throws {
        let noted = Mutex<Data?>(nil)
        api.loseAnswer(of: .update, APIError(.unavailable, "lost"))
        await #expect(throws: CommandFailure.self) {
            try await perform(.increment, Self.count) { data, _ in noted.withLock { $0 = data } }
        }
        let outcome = try await perform(.increment, Self.count, checkpoint: noted.withLock { $0 })
        #expect(outcome["value"] == 1)
        #expect(api.metadata(of: "conv_1")?["photos"] == 1)
    }

    @Test func `a count that failed before it was written is counted by the retry`() async throws {
        let noted = Mutex<Data?>(nil)
        api.fail(.update, APIError(.unavailable, "down"))
        await #expect(throws: CommandFailure.self) {
            try await perform(.increment, Self.count) { data, _ in noted.withLock { $0 = data } }
        }
        #expect(try await perform(.increment, Self.count, checkpoint: noted.withLock { $0 })["value"] == 1)
    }

    @Test func `a count whose note can't be kept is not written`() async throws {
        let failure = CommandFailure(code: "unavailable", message: "the disk is full", retryable: true)
        await #expect(throws: failure) { try await perform(.increment, Self.count) { _, _ in throw failure } }
        #expect(api.updates.isEmpty)
    }

    @Test(arguments: [
        ("\"many\"", "not_a_number", "metadata.photos is \"many\", so it cannot be counted up"),
        ("9223372036854775807", "out_of_range", "metadata.photos would leave the range of integers"),
    ])
    func `what can't be counted up is told`(_ base: String, _ code: String, _ message: String) async throws {
        let value = try json(base)
        api.change { $0.conversations["conv_1"]?.metadata = ["photos": value] }
        expectSame(await failure(.increment, Self.count), CommandFailure(code: code, message: message))
    }

    // MARK: Errors

    @Test(arguments: [
        (
            APIError(.rateLimited, "slowly", retryAfter: .seconds(9)),
            CommandFailure(code: "rate_limited", message: "slowly", retryable: true, retryAfter: .seconds(9))
        ),
        (
            APIError(.unavailable, "down"),
            CommandFailure(code: "unavailable", message: "down", retryable: true, upstreamDown: true)
        ),
        (
            APIError(.unavailable, "busy", status: 409),
            CommandFailure(code: "unavailable", message: "busy", retryable: true)
        ),
        (APIError(.forbidden, "not registered"), CommandFailure(code: "forbidden", message: "not registered")),
        (
            APIError(.outcomeUnknown, "no answer"),
            CommandFailure(code: "outcome_unknown", message: "no answer", outcomeUnknown: true, upstreamDown: true)
        ),
        (
            APIError(.outcomeUnknown, "not confirmed", status: 409),
            CommandFailure(code: "outcome_unknown", message: "not confirmed", outcomeUnknown: true)
        ),
    ])
    func `an error of the API keeps its code and what may be done`(
        _ error: APIError, _ expected: CommandFailure
    ) async {
        api.fail(.send, error)
        expectSame(await failure(.send, #"{ "to": "+15550000009", "body": "Hi" }"#), expected)
    }

    @Test func `a command that the engine performs itself is refused`() async {
        #expect(await failure(.storeGet, #"{ "key": "a" }"#)?.code == "bad_command")
    }
}
