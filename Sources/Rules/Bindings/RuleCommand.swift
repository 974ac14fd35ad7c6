import Conversations
import DurableExecution
import Foundation
import Lua

/// What rules can ask of the host: the commands of the bindings, with what repeating one would mean.
enum RuleCommand: String, Sendable, CaseIterable {
    case listConversations = "conversations.list"
    case getConversation = "conversation.get"
    case listMessages = "conversation.messages"
    case tag = "conversation.tag"
    case untag = "conversation.untag"
    case increment = "conversation.increment"
    case setMetadata = "conversation.set_metadata"
    case clearMetadata = "conversation.clear_metadata"
    case showTyping = "conversation.typing"
    case send = "message.send"
    case react = "message.react"
    case storeGet = "store.get"
    case storeSet = "store.set"
    case storeIncrement = "store.increment"
    case storeCompareAndSet = "store.compare_and_set"
    case now = "time.now"
    case waitReply = "conversation.wait_reply"
    case waitReaction = "conversation.wait_reaction"
    case waitAny = "wait_any"
    case sleep

    /// The engine's command for what a rule asked.
    ///
    /// - Parameters:
    ///   - pack: Whose store a store command means.
    ///   - event: What started the rule.
    /// - Throws: ``LuaHostError`` if a value cannot be kept, or a wait's filter is wrong.
    static func command(
        _ asked: LuaCommand, pack: String, event: ConversationEvent
    ) throws(LuaHostError) -> Command {
        guard let kind = RuleCommand(rawValue: asked.name) else {
            throw LuaHostError(code: "bad_command", message: "there is no command \(asked.name)", retryable: false)
        }
        var input = try (asked.arguments.first ?? .object([:])).json()
        if kind.isWait { input = WaitRequest.completed(input, by: event) }
        if kind == .send { input = try SendRequest.completed(input, by: event) }
        do {
            return Command(
                name: asked.name, input: try input.text(), effect: try kind.effect(input, pack: pack),
                location: asked.location.map { "\($0.file):\($0.line)" },
                answersIn: kind == .send ? input["conversation_id"]?.string : nil,
                lapsesIn: input[SendRequest.unlessReply]?["conversation_id"]?.string,
                upstream: kind.isPerformedByAPI ? Self.upstream : nil,
                // A sign of typing that comes late is worth nothing, so it waits for nobody.
                outcomeIfDown: kind == .showTyping ? Data("false".utf8) : nil)
        } catch let error as LuaHostError {
            throw error
        } catch {
            throw LuaHostError(code: "bad_value", message: "\(asked.name): \(error)", retryable: false)
        }
    }

    private func effect(_ input: JSONValue, pack: String) throws -> Effect {
        switch self {
        case .listConversations, .getConversation, .listMessages, .now: return .read
        case .tag, .untag, .increment, .setMetadata, .clearMetadata, .showTyping: return .repeatable
        case .send, .react: return .once
        case .storeGet, .storeSet, .storeIncrement, .storeCompareAndSet:
            return .store(try storeOperation(input, pack: pack))
        case .waitReply, .waitReaction, .waitAny: return .wait(try WaitRequest(input).wait)
        case .sleep:
            return .wait(Wait(queue: nil, timeout: input["timeout"]?.double.map { .seconds($0) }, purpose: "time"))
        }
    }

    /// The name by which the engine knows the conversations API: while it is down, commands for it wait.
    static let upstream = "api"

    private var isPerformedByAPI: Bool {
        switch self {
        case .listConversations, .getConversation, .listMessages: true
        default: isEffect
        }
    }

    private var isWait: Bool { self == .waitReply || self == .waitReaction || self == .waitAny }

    /// Where a pack keeps what belongs to one conversation.
    static func storeScope(pack: String, conversation: String) -> String { "\(pack)/conversation/\(conversation)" }

    private func storeOperation(_ input: JSONValue, pack: String) throws -> StoreOperation {
        let scope =
            input["conversation_id"]?.string.map { Self.storeScope(pack: pack, conversation: $0) } ?? pack
        let key = input["key"]?.string ?? ""
        switch self {
        case .storeSet:
            // The bindings bound it: `Duration` traps past what it can hold.
            let ttl = input["ttl"]?.double.map { Duration.seconds(min($0, 1e10)) }
            return .set(scope: scope, key: key, value: try Self.kept(input["value"]), ttl: ttl)
        case .storeIncrement:
            let by: StoreNumber =
                if case .integer(let value)? = input["by"] { .integer(value) } else {
                    .number(input["by"]?.double ?? 1)
                }
            return .increment(scope: scope, key: key, by: by)
        case .storeCompareAndSet:
            return .compareAndSet(
                scope: scope, key: key, expected: try Self.kept(input["expected"]), value: try Self.kept(input["value"])
            )
        default:
            return .get(scope: scope, key: key)
        }
    }

    /// Nil and null both mean that there is nothing.
    private static func kept(_ value: JSONValue?) throws -> Data? {
        guard let value, value != .null else { return nil }
        return try value.text()
    }

    /// An outcome as the rule sees it: conversations and messages with their methods, else plain data.
    func value(of outcome: Data) throws -> LuaValue {
        switch self {
        case .send:
            let json = try JSONValue(parsing: outcome)
            return json == .null ? .nil : .message(json)
        case .getConversation:
            let json = try JSONValue(parsing: outcome)
            return json == .null ? .null : .conversation(json)
        case .listMessages:
            guard case .array(let items) = try JSONValue(parsing: outcome) else { return .array([]) }
            return .array(items.map(LuaValue.message))
        case .waitReply, .waitReaction, .waitAny:
            guard outcome != Data("null".utf8) else { return .nil }
            return try JSON.decode(ConversationEvent.self, from: outcome).ruleArgument
        case .sleep:
            return .nil
        case .listConversations:
            var json = try JSONValue(parsing: outcome).members
            guard case .array(let items)? = json.removeValue(forKey: "conversations") else { return .nil }
            return .object(
                json.mapValues(LuaValue.init).merging(
                    ["conversations": .array(items.map(LuaValue.conversation))], uniquingKeysWith: { $1 }))
        default:
            return .json(String(decoding: outcome, as: UTF8.self))
        }
    }
}

extension LuaValue {
    static func conversation(_ json: JSONValue) -> LuaValue {
        .instance(type: "conversation", fields: json.members.mapValues(LuaValue.init))
    }

    static func message(_ json: JSONValue) -> LuaValue {
        .instance(type: "message", fields: json.members.mapValues(LuaValue.init))
    }
}

extension JSONValue {
    var members: [String: JSONValue] {
        guard case .object(let members) = self else { return [:] }
        return members
    }
}
