import Conversations
import DurableExecution
import Foundation

/// Performs what rules ask for, once policy has let it pass. The one place where an effect happens.
struct CommandExecutor: Sendable {
    let api: any ConversationAPI
    let metadata: MetadataWriter
    let ledger: MetadataLedger
    let policy: Policy
    let search: EffectSearch
    /// Whether ``api`` leaves effects out, so that outcomes must say so.
    var isDryRun = false
    let now: @Sendable () -> Date

    /// - Throws: ``CommandFailure``.
    func perform(_ command: Command, in context: CommandContext) async throws -> Data {
        guard let kind = RuleCommand(rawValue: command.name) else {
            throw CommandFailure(code: "bad_command", message: "there is no command \(command.name)")
        }
        do {
            let input = try JSONValue(parsing: command.input)
            guard kind != .showTyping else { return try await showTyping(input, in: context).text() }
            let outcome = try await outcome(of: kind, input, in: context)
            return try (isDryRun && kind.isEffect ? outcome.markedAsDryRun : outcome).text()
        } catch let failure as CommandFailure {
            throw failure
        } catch let error as APIError {
            throw CommandFailure(error)
        } catch let error as EngineError {
            // The store is asked before anything is done.
            throw CommandFailure(code: "unavailable", message: "\(command.name): \(error.message)", retryable: true)
        } catch is KeyedLockInterruption {
            let reason = "it waits until other commands on the same conversation are done"
            throw CommandFailure.held(Hold(key: "turn", reason: reason, until: now().addingTimeInterval(1)))
        } catch {
            throw CommandFailure(
                code: "failed", message: "\(command.name): \(error)", outcomeUnknown: command.effect == .once)
        }
    }

    private func outcome(
        of kind: RuleCommand, _ input: JSONValue, in context: CommandContext
    ) async throws -> JSONValue {
        switch kind {
        case .listConversations: try await listConversations(input)
        case .getConversation: try await getConversation(input)
        case .listMessages: try await listMessages(input)
        case .tag, .untag, .setMetadata, .clearMetadata: try await changeMetadata(kind, input, in: context)
        case .increment: try await increment(input, in: context)
        case .send: try await send(input, in: context)
        case .react: try await react(input, in: context)
        case .now: .number((now().timeIntervalSince1970 * 1000).rounded(.down) / 1000)
        case .showTyping, .storeGet, .storeSet, .storeIncrement, .storeCompareAndSet, .waitReply, .waitReaction,
            .waitAny, .sleep:
            throw CommandFailure(code: "bad_command", message: "the engine performs \(kind.rawValue) itself")
        }
    }

    // MARK: Reading

    private func listConversations(_ input: JSONValue) async throws -> JSONValue {
        let page = try await api.conversations(
            limit: try input.whole("limit") ?? 20, offset: try input.whole("offset") ?? 0)
        return [
            "conversations": .array(page.data.map(\.ruleFields)), "total": .integer(Int64(page.total)),
            "has_more": .boolean(page.hasMore),
        ]
    }

    private func getConversation(_ input: JSONValue) async throws -> JSONValue {
        do {
            return try await api.conversation(input.conversationID, messageLimit: 1).conversation.ruleFields
        } catch  where error.code == .notFound {
            return .null
        }
    }

    private func listMessages(_ input: JSONValue) async throws -> JSONValue {
        let page = try await api.messages(
            in: input.conversationID, limit: try input.whole("limit") ?? 50, before: try input.timestamp("before"),
            after: try input.timestamp("after"))
        return .array(page.data.map(\.ruleFields))
    }

    // MARK: Effects

    private func send(_ input: JSONValue, in context: CommandContext) async throws -> JSONValue {
        let body = input["body"]?.string ?? ""
        let media = input["media"].map { $0.strings }
        // The most specific of the senders that are known.
        let numberID = input["number_id"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        let message = OutboundMessage(
            agentID: numberID == nil ? input["agent_id"]?.string : nil, numberID: numberID,
            fromNumber: numberID == nil ? input["number"]?.string.map(ParticipantAddress.spelling) : nil,
            toNumber: input["to"]?.string.map(ParticipantAddress.spelling), body: body, mediaURLs: media,
            replyToMessageID: (input["reply_to"]?.string).map { Message.ID($0) },
            sendStyle: input["style"]?.string)
        let sent = try await search.sending(input, in: context) {
            let effect = try await self.policy.confirm(.send, input, in: context)
            let sent = try await self.policy.watching(effect) { try await self.api.send(message) }
            self.policy.sent(sent.id, by: effect)
            return sent
        }
        let urls = sent.mediaURLs.isEmpty ? media ?? [] : sent.mediaURLs
        let fields: [String: JSONValue?] = [
            "id": .string(sent.id.rawValue), "body": .string(body), "direction": "outbound",
            "from_number": sent.fromNumber.map(JSONValue.string), "to_number": sent.toNumber.map(JSONValue.string),
            "channel": sent.channel.map { .string($0.rawValue) }, "media_url": urls.first.map(JSONValue.string),
            "media_urls": .array(urls.map(JSONValue.string)), "attachments": .attachments(urls),
            "status": .string(sent.status),
            "conversation_id": (sent.conversationID?.rawValue ?? input["conversation_id"]?.string)
                .map(JSONValue.string),
        ]
        return .object(fields.compactMapValues { $0 })
    }

    private func react(_ input: JSONValue, in context: CommandContext) async throws -> JSONValue {
        let effect = try await policy.confirm(.react, input, in: context)
        let reaction = ReactionType(rawValue: input["reaction"]?.string ?? "")
        let receipt = try await policy.watching(effect) {
            try await self.api.react(to: Message.ID(input["message_id"]?.string ?? ""), with: reaction)
        }
        return [
            "id": .string(receipt.id.rawValue), "reaction_type": .string(receipt.reactionType.rawValue),
            "message_id": .string(receipt.messageID.rawValue),
        ]
    }

    /// Best effort, as the API has it: true if the participant is shown it, false if not. A sign that fades by itself is
    /// not worth a retry, much less a failed rule.
    private func showTyping(_ input: JSONValue, in context: CommandContext) async throws -> JSONValue {
        do {
            try await policy.admit(.showTyping, input, in: context)
            guard !isDryRun else { return false }
            _ = try await api.showTyping(in: input.conversationID)
            return true
        } catch let error as APIError where error.meansDown {
            throw CommandFailure(error)
        } catch {
            return false
        }
    }
}

extension CommandFailure {
    init(_ error: APIError) {
        self.init(
            code: error.code.rawValue, message: error.message, retryable: error.isRetryable,
            retryAfter: error.retryAfter, outcomeUnknown: error.code == .outcomeUnknown,
            upstreamDown: error.meansDown)
    }
}

extension EngineFailure {
    init(_ error: APIError) {
        self.init(
            error.message, retryable: error.isRetryable, retryAfter: error.retryAfter,
            upstream: error.meansDown ? RuleCommand.upstream : nil)
    }
}

extension APIError {
    /// Whether nobody answered, or only to say that nothing works there. A server that asks to wait, or can't confirm a
    /// delivery, is up.
    var meansDown: Bool {
        guard code == .unavailable || code == .outcomeUnknown else { return false }
        return status.map { $0 >= 500 } ?? true
    }
}

extension JSONValue {
    fileprivate var markedAsDryRun: JSONValue {
        guard case .object(let fields) = self else { return self }
        return .object(fields.merging([DryRun.key: true], uniquingKeysWith: { $1 }))
    }
}

extension JSONValue {
    var conversationID: Conversation.ID { Conversation.ID(self["conversation_id"]?.string ?? "") }

    var strings: [String] {
        guard case .array(let items) = self else { return [] }
        return items.compactMap(\.string)
    }

    /// A whole number under `key`; nil if there is none.
    fileprivate func whole(_ key: String) throws -> Int? {
        switch self[key] {
        case nil, .null: nil
        case .integer(let value): Int(value)
        case .number(let value) where Int(exactly: value) != nil: Int(value)
        default: throw CommandFailure(code: "invalid_request", message: "\(key) must be a whole number")
        }
    }

    fileprivate func timestamp(_ key: String) throws -> Timestamp? {
        switch self[key] {
        case nil, .null: return nil
        case .string(let text):
            guard let time = Timestamp(text) else {
                throw CommandFailure(
                    code: "invalid_request", message: "\(key) = \"\(text)\" is no ISO 8601 time; time.iso makes one")
            }
            return time
        case .integer(let seconds): return Timestamp(Date(timeIntervalSince1970: Double(seconds)))
        case .number(let seconds): return Timestamp(Date(timeIntervalSince1970: seconds))
        default: throw CommandFailure(code: "invalid_request", message: "\(key) must be a time")
        }
    }
}
