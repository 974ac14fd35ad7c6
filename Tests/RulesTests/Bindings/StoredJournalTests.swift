import CustomDump
import DurableExecution
import Foundation
import TestSupport
import Testing

@testable import Rules

/// What rules journaled is asked for again when a run is rebuilt, byte by byte: a binding that wrote its commands in
/// another way would park every run that waits over an update.
@Suite(.timeLimit(.minutes(1)))
struct StoredJournalTests {
    private static let rule = """
        local conversation = event.conversation
        conversation:tag { topic = "order", count = 2, ratio = 0.5, tags = json.array { "a" }, gone = json.null }
        conversation:untag("count")
        conversation:increment("seen")
        conversation:increment("seen", 3)
        conversation:set_metadata { a = true }
        conversation:clear_metadata()
        conversation:refresh()
        conversation:messages { limit = 5, after = "2025-01-01T00:00:00Z" }
        conversation:typing()
        conversation:send("Hello", { media = { "https://e.com/1.png" }, style = "slam" })
        event:reply("Yes")
        event:react("love")
        conversations.list { limit = 3 }
        conversations.get("conv_1")
        messages.send { to = "+15550001111", number = "+15551234567", body = "Hi" }
        store.set("key", { list = { 1, 2 } }, { ttl = "2h" })
        store.get("key")
        store.increment("counter", 2)
        store.compare_and_set("key", nil, "value")
        store.of(conversation).set("name", "Jane")
        time.now()
        sleep("1s")
        conversation:wait_reply { timeout = "2h", pattern = "ORD" }
        event:wait_reaction { timeout = "2h", reaction = "love" }
        wait_any { reply = { from = "anyone" }, reaction = {}, timeout = "2h" }
        conversation:send("Still there?", { unless_reply = true })
        event:reply("Hello?", { unless_reply = false })
        messages.send { to = "(555) 987-6543", number = "+15551234567", body = "Hi?", unless_reply = true }
        """

    /// As journaled by the version that first had each binding; never changed, only added to.
    private static let journal = #"""
        conversation.tag {"conversation_id":"conv_1","fields":{"count":2,"gone":null,"ratio":0.5,"tags":["a"],"topic":"order"}}
        conversation.untag {"conversation_id":"conv_1","keys":["count"]}
        conversation.increment {"by":1,"conversation_id":"conv_1","key":"seen"}
        conversation.increment {"by":3,"conversation_id":"conv_1","key":"seen"}
        conversation.set_metadata {"conversation_id":"conv_1","metadata":{"a":true}}
        conversation.clear_metadata {"conversation_id":"conv_1"}
        conversation.get {"conversation_id":"conv_1"}
        conversation.messages {"after":"2025-01-01T00:00:00Z","conversation_id":"conv_1","limit":5}
        conversation.typing {"conversation_id":"conv_1"}
        message.send {"agent_id":"agt_1","body":"Hello","conversation_id":"conv_1","media":["https://e.com/1.png"],"number":"+15551234567","number_id":"num_1","style":"slam","to":"+15559876543"}
        message.send {"agent_id":"agt_1","body":"Yes","conversation_id":"conv_1","number":"+15551234567","number_id":"num_1","reply_to":"msg_1","to":"+15559876543"}
        message.react {"conversation_id":"conv_1","message_id":"msg_1","reaction":"love"}
        conversations.list {"limit":3}
        conversation.get {"conversation_id":"conv_1"}
        message.send {"body":"Hi","number":"+15551234567","to":"+15550001111"}
        store.set {"key":"key","ttl":7200,"value":{"list":[1,2]}}
        store.get {"key":"key"}
        store.increment {"by":2,"key":"counter"}
        store.compare_and_set {"key":"key","value":"value"}
        store.set {"conversation_id":"conv_1","key":"name","value":"Jane"}
        time.now {}
        sleep {"timeout":1}
        conversation.wait_reply {"conversation_id":"conv_1","reply":{"pattern":"ORD"},"timeout":7200}
        conversation.wait_reaction {"conversation_id":"conv_1","message_id":"msg_1","reaction":{"reaction":"love"},"timeout":7200}
        wait_any {"conversation_id":"conv_1","reaction":{},"reply":{},"timeout":7200}
        message.send {"agent_id":"agt_1","body":"Still there?","conversation_id":"conv_1","number":"+15551234567","number_id":"num_1","to":"+15559876543","unless_reply":{"conversation_id":"conv_1","reply":{}}}
        message.send {"agent_id":"agt_1","body":"Hello?","conversation_id":"conv_1","number":"+15551234567","number_id":"num_1","reply_to":"msg_1","to":"+15559876543"}
        message.send {"body":"Hi?","number":"+15551234567","to":"(555) 987-6543","unless_reply":{"conversation_id":"conv_1","reply":{}}}
        """#

    @Test func `every binding writes its command as its first version did`() async throws {
        let bench = try await RuleBench()
        let first = try await bench.outcome(of: Self.rule)
        let trace = try await bench.run { engine in
            for pause in [1, 7200, 7200, 7200] {
                bench.clock.advance(by: .seconds(pause))
                await engine.idle()
            }
            return try await engine.trace(ofInvocation: first.invocation.id)
        }
        expectNoDifference(trace.failureMessage, nil)
        let lines = trace.entries.map { "\($0.name) \(String(decoding: $0.input, as: UTF8.self))" }
        expectNoDifference(lines.joined(separator: "\n"), Self.journal)
        expectNoDifference(trace.invocation.state, .finished)
    }
}
