import DurableExecution
import Testing

@testable import Rules

/// What a rule is told that uses a binding wrongly: the argument is named, and the line is the rule's.
@Suite(.allReplayModes) struct BindingMistakeTests {
    static let mistakes: [(call: String, message: String)] = [
        ("c.tag { a = 1 }", #"call this with a colon: conversation:tag { key = value }"#),
        ("c:tag()", #"conversation:tag: a table of fields is needed, such as { topic = "orders" }"#),
        ("c:tag { 'orders' }", "conversation:tag: keys must be strings, not number"),
        ("c:tag { f = print }", "conversation.tag: argument 1.fields.f is a function, which cannot be passed on"),
        ("c.untag('a')", "call this with a colon: conversation:untag(\"key\", …)"),
        ("c:untag()", "conversation:untag: name at least one key"),
        ("c:untag(5)", "conversation:untag: keys must be strings, not number"),
        ("c.increment('a')", "call this with a colon: conversation:increment(\"key\")"),
        ("c:increment()", "conversation:increment: the key must be a string"),
        ("c:increment('a', 'b')", "conversation:increment: the amount must be a number"),
        ("c.set_metadata {}", "call this with a colon: conversation:set_metadata { key = value }"),
        ("c:set_metadata()", "conversation:set_metadata: a table is needed; to clear, use clear_metadata()"),
        ("c:set_metadata { 1 }", "conversation:set_metadata: keys must be strings, not number"),
        ("c.clear_metadata()", "call this with a colon: conversation:clear_metadata()"),
        ("c.refresh()", "call this with a colon: conversation:refresh()"),
        ("c.send('Hi')", "call this with a colon: conversation:send(\"text\")"),
        ("c:send()", "conversation:send: a text or media is needed"),
        ("c:send('')", "conversation:send: a text or media is needed"),
        ("c:send(5)", "conversation:send: the text must be a string, not number"),
        ("c:send('Hi', 'there')", "conversation:send: the last argument must be a table of options"),
        (
            "c:send('Hi', { to = 'x' })",
            "conversation:send: unknown option to; known are media, reply_to, style, unless_reply"
        ),
        ("c:send('Hi', { media = {} })", "conversation:send: media must be a URL or a list of URLs"),
        ("c:send('Hi', { media = { 1 } })", "conversation:send: media must be a URL or a list of URLs"),
        ("c:send('Hi', { style = 1 })", "conversation:send: style must be a string"),
        ("c:send('Hi', { unless_reply = 1 })", "conversation:send: unless_reply must be true or false"),
        ("c:send('Hi', { reply_to = 1 })", "conversation:send: reply_to must be a message or its id"),
        ("c.typing()", "call this with a colon: conversation:typing()"),
        ("c.messages()", "call this with a colon: conversation:messages { limit = 20 }"),
        ("c:messages(5)", "conversation:messages: the last argument must be a table of options"),
        ("c:messages { form = 1 }", "conversation:messages: unknown option form; known are after, before, limit"),
        ("message.react('love')", "call this with a colon: message:react(\"love\")"),
        (
            "message:react('heart')",
            "message:react: the reaction must be love, like, dislike, laugh, emphasize or question, not heart"
        ),
        (
            "message:react()",
            "message:react: the reaction must be love, like, dislike, laugh, emphasize or question, not nil"
        ),
        ("message.reply('Hi')", "call this with a colon: message:reply(\"text\")"),
        ("message:reply()", "message:reply: a text or media is needed"),
        (
            "message:reply('Hi', { reply_to = 'm' })",
            "message:reply: unknown option reply_to; known are media, style, unless_reply"
        ),
        ("conversations.list(5)", "conversations.list: the last argument must be a table of options"),
        ("conversations.list { page = 1 }", "conversations.list: unknown option page; known are limit, offset"),
        ("conversations.get()", "conversations.get: an id is needed"),
        ("conversations.get(c)", "conversations.get: an id is needed"),
        (
            "messages.send()",
            #"messages.send: a table is needed, such as { to = "+15551234567", body = "Hi" }"#
        ),
        ("messages.send { body = 'Hi' }", "messages.send: `to` must be a number or an address"),
        ("messages.send { to = '+1', body = 5 }", "messages.send: `body` must be a string"),
        ("messages.send { to = '+1', body = 'Hi' }", "messages.send: `number` (one of yours) or `agent` is needed"),
        (
            "messages.send { to = '+1', number = '+2', body = 'Hi', unless_reply = 'yes' }",
            "messages.send: `unless_reply` must be true or false"
        ),
        ("messages.send { to = '+1', number = '+2' }", "messages.send: `body` or `media` is needed"),
        (
            "messages.send { to = '+1', text = 'Hi' }",
            "messages.send: unknown option text; known are agent, body, media, number, style, to, unless_reply"
        ),
        ("store.get()", "store.get: the key must be a string"),
        ("store:get('a')", "store.get: the key must be a string; call it with a dot: store.get(\"key\")"),
        ("store.get('')", "store.get: the key must be a string"),
        ("store.set(5, 1)", "store.set: the key must be a string"),
        (
            "store.set('a', 1, { ttl = 'soon' })",
            #"store.set: ttl must be a duration, such as "2h" or a number of seconds"#
        ),
        (
            "store.set('a', 1, { ttl = 1e300 })",
            #"store.set: ttl must be a duration, such as "2h" or a number of seconds"#
        ),
        (
            "store.set('a', 1, { ttl = 0 })",
            #"store.set: ttl must be a duration, such as "2h" or a number of seconds"#
        ),
        ("store.set('a', 1, { tll = 1 })", "store.set: unknown option tll; known are ttl"),
        ("store.increment('a', '1')", "store.increment: the amount must be a number"),
        ("store.compare_and_set()", "store.compare_and_set: the key must be a string"),
        ("store.of('conv_1')", "store.of: a conversation is needed"),
        ("store.of()", "store.of: a conversation is needed"),
        ("time.iso('now')", "time.iso: seconds since 1970 are needed"),
        ("time.iso(0/0)", "time.iso: the seconds must be a finite number"),
        ("time.iso(1/0)", "time.iso: the seconds must be a finite number"),
        ("time.parse(5)", "time.parse: an ISO 8601 text is needed"),
        ("time.date('now')", "time.date: seconds since 1970 are needed"),
        ("time.date(0/0)", "time.date: the seconds must be a finite number"),
        ("time.date(0, 5)", #"time.date: the zone must be a name, such as "Europe/Berlin""#),
        ("time.date(0, 'Moon')", #"time.date: there is no time zone "Moon"; one is called "Europe/Berlin""#),
        ("time.seconds('soon')", #"time.seconds: a duration is needed, such as "90s", "2h" or "1h30m""#),
        ("time.seconds()", #"time.seconds: a duration is needed, such as "90s", "2h" or "1h30m""#),
        ("log.info('a', 'b')", "log.info: fields must be a table"),
    ]

    @Test(arguments: mistakes)
    func `a mistake is told where it was made`(_ call: String, _ message: String) async throws {
        let bench = try await RuleBench()
        let trace = try await bench.outcome(of: "local message, c = event, event.conversation\n\(call)")
        #expect(trace.invocation.state == .failed)
        #expect(trace.failureMessage == "photos/rules/tried.lua:3: \(message)")
        #expect(trace.invocation.failure?.location == "photos/rules/tried.lua:3")
        #expect(bench.api.calls.isEmpty)
    }

    @Test func `a mistake in a tail call is told on its line too`() async throws {
        let trace = try await RuleBench().outcome(of: "\n\nreturn event:react('heart')")
        #expect(trace.invocation.failure?.location == "photos/rules/tried.lua:4")
        #expect(trace.invocation.failure?.traceback?.contains("4 | return event:react('heart')") == true)
    }
}
