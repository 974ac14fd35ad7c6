import Conversations
import CustomDump
import DurableExecution
import Foundation
import Lua
import Testing

@testable import Rules

@Suite struct RuleCommandTests {
    private func effect(_ name: String, _ input: String) throws -> Effect {
        try RuleCommand.command(
            LuaCommand(name: name, arguments: [.json(input)], location: nil), pack: "acme/photos", event: .message()
        ).effect
    }

    @Test(arguments: RuleCommand.allCases)
    func `every command says what repeating it would mean`(_ command: RuleCommand) throws {
        let name = try effect(command.rawValue, #"{ "key": "a" }"#).name
        let expected =
            switch command {
            case .send, .react: "once"
            case .tag, .untag, .increment, .setMetadata, .clearMetadata, .showTyping: "repeatable"
            case .storeGet, .storeSet, .storeIncrement, .storeCompareAndSet: "store"
            case .listConversations, .getConversation, .listMessages, .now: "read"
            case .waitReply, .waitReaction, .waitAny, .sleep: "wait"
            }
        #expect(name == expected)
    }

    @Test func `a store is the pack's, and a conversation's within it`() throws {
        expectNoDifference(try effect("store.get", #"{ "key": "a" }"#), .store(.get(scope: "acme/photos", key: "a")))
        expectNoDifference(
            try effect("store.get", #"{ "conversation_id": "conv_1", "key": "a" }"#),
            .store(.get(scope: "acme/photos/conversation/conv_1", key: "a")))
    }

    @Test func `store commands carry their values`() throws {
        expectNoDifference(
            try effect("store.set", #"{ "key": "a", "value": { "b": 1, "a": [] }, "ttl": 1.5 }"#),
            .store(
                .set(
                    scope: "acme/photos", key: "a", value: Data(#"{"a":[],"b":1}"#.utf8), ttl: .milliseconds(1500))))
        expectNoDifference(
            try effect("store.set", #"{ "key": "a", "value": null }"#),
            .store(.set(scope: "acme/photos", key: "a", value: nil)))
        expectNoDifference(
            try effect("store.increment", #"{ "key": "a", "by": 2 }"#),
            .store(.increment(scope: "acme/photos", key: "a", by: .integer(2))))
        expectNoDifference(
            try effect("store.increment", #"{ "key": "a", "by": 0.5 }"#),
            .store(.increment(scope: "acme/photos", key: "a", by: .number(0.5))))
        expectNoDifference(
            try effect("store.compare_and_set", #"{ "key": "a", "value": 2 }"#),
            .store(.compareAndSet(scope: "acme/photos", key: "a", expected: nil, value: Data("2".utf8))))
    }

    @Test func `a time to live of any size is no trap`() throws {
        for ttl in ["1e300", "9223372036854775807", "1e19"] {
            _ = try effect("store.set", "{ \"key\": \"a\", \"value\": 1, \"ttl\": \(ttl) }")
        }
    }

    @Test func `the input is canonical, and the place is kept`() throws {
        let asked = LuaCommand(
            name: "conversation.tag", arguments: [.object(["b": .integer(1), "a": .nil])],
            location: LuaLocation(file: "photos/rules/a.lua", line: 3))
        let command = try RuleCommand.command(asked, pack: "acme/photos", event: .message())
        #expect(String(decoding: command.input, as: UTF8.self) == #"{"a":null,"b":1}"#)
        #expect(command.location == "photos/rules/a.lua:3")
    }

    @Test func `what JSON can't hold is refused`() {
        for value in [LuaValue.number(.infinity), .number(.nan), .function(line: 1)] {
            let asked = LuaCommand(
                name: "store.set", arguments: [.object(["key": .string("a"), "value": value])], location: nil)
            let error = #expect(throws: LuaHostError.self) {
                try RuleCommand.command(asked, pack: "acme/photos", event: .message())
            }
            #expect(error?.code == "bad_value")
        }
        let unknown = LuaCommand(name: "os.execute", arguments: [], location: nil)
        #expect(throws: LuaHostError(code: "bad_command", message: "there is no command os.execute")) {
            try RuleCommand.command(unknown, pack: "acme/photos", event: .message())
        }
    }
}
