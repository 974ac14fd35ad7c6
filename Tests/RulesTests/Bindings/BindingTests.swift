import Conversations
import CustomDump
import DurableExecution
import TestSupport
import Testing

@testable import Rules

/// What bindings do in a rule that runs in a real engine.
@Suite(.allReplayModes) struct BindingTests {
    /// Runs a body that logs what it sees, and returns the log.
    private func logged(
        _ body: String, event: ConversationEvent = .message(), api: FakeAPI = FakeAPI()
    ) async throws -> [String] {
        let trace = try await RuleBench(api: api).outcome(of: body, event: event)
        #expect(trace.invocation.state == .finished, "\(trace.failureMessage ?? "")")
        return trace.logged
    }

    @Test func `a message is seen with the API's fields`() async throws {
        let event = ConversationEvent.message("Hi", media: ["https://e.com/1.png"], metadata: ["n": 2, "tags": ["a"]])
        expectSame(
            try await logged(
                """
                local c = event.conversation
                print(event.id, event.body, event.from_number, event.to_number, event.direction, event.channel)
                print(event.media_url, #event.media_urls, event.attachments[1].kind, event.received_at)
                print(event.sender_identifier, c.id, c.participant, c.number, c.number_id, c.agent)
                print(c.metadata.n, math.type(c.metadata.n), c.metadata.tags[1], c.metadata.nothing)
                print(event, c)
                """, event: event),
            [
                "msg_1\tHi\t+15559876543\t+15551234567\tinbound\timessage",
                "https://e.com/1.png\t1\timage\t2025-01-15T12:00:00Z",
                "nil\tconv_1\t+15559876543\t+15551234567\tnum_1\tagt_1", "2\tinteger\ta\tnil",
                "message msg_1 from +15559876543\tconversation conv_1 with +15559876543",
            ])
    }

    @Test func `a reaction is seen with its message`() async throws {
        expectSame(
            try await logged(
                """
                print(event.reaction_type, event.from_number, event.message_id, event.message_body, event.created_at)
                print(event.message.id, event.message.body, event.conversation.id, event)
                event.message:react("like")
                """, event: .reaction(.question)),
            [
                "question\t+15559876543\tmsg_9\tOur words\t2025-01-15T12:00:00Z",
                "msg_9\tOur words\tconv_1\treaction question from +15559876543",
            ])
    }

    @Test func `an ended call is seen with all its data`() async throws {
        expectSame(
            try await logged(
                "print(event.call_id, event.duration_seconds, event.transcript[1].content, event)",
                event: .call([
                    "callId": "call_1", "durationSeconds": 3, "from": "+1", "transcript": [["content": "Hi"]],
                ])),
            ["call_1\t3\tHi\tcall call_1 from +1"])
    }

    @Test func `metadata is changed, and seen changed`() async throws {
        let api = FakeAPI()
        expectSame(
            try await logged(
                """
                local c = event.conversation
                c:tag { topic = "orders", gone = true }
                print(c.metadata.topic, c:increment("photos"), c:increment("photos", 4))
                c:untag("gone")
                print(c.metadata.gone, c.metadata.photos)
                c:set_metadata { only = { 1, 2 } }
                print(c.metadata.topic, #c.metadata.only)
                c:clear_metadata()
                print(next(c.metadata))
                c:tag { last = 1 }
                """, api: api),
            ["orders\t1\t5", "nil\t5", "nil\t2", "nil"])
        #expect(api.metadata(of: "conv_1") == ["last": 1])
    }

    @Test func `refresh reads what others wrote`() async throws {
        let bench = try await RuleBench()
        bench.api.change { $0.conversations["conv_1"]?.metadata = ["by": "others"] }
        let trace = try await bench.outcome(of: "print(event.conversation:refresh().metadata.by)")
        #expect(trace.logged == ["others"])
    }

    @Test func `a conversation that is gone can't be refreshed`() async throws {
        let trace = try await RuleBench().outcome(
            of: "event.conversation:refresh()", event: .message(in: "conv_9"))
        #expect(
            trace.failureMessage
                == "photos/rules/tried.lua:2: conversation:refresh: conversation conv_9 is gone")
    }

    @Test func `send and reply give the message that was sent`() async throws {
        let api = FakeAPI()
        expectSame(
            try await logged(
                """
                local sent = event.conversation:send("One", { media = "https://e.com/a.png", style = "love" })
                print(sent.id, sent.body, sent.attachments[1].kind, sent.conversation.id)
                event.conversation:send("Two", { reply_to = event })
                event:reply("Three")
                sent:react("laugh")
                """, api: api),
            ["sent_1\tOne\timage\tconv_1"])
        expectNoDifference(
            api.sent,
            [
                OutboundMessage(
                    numberID: "num_1", toNumber: "+15559876543", body: "One", mediaURLs: ["https://e.com/a.png"],
                    sendStyle: "love"),
                OutboundMessage(
                    numberID: "num_1", toNumber: "+15559876543", body: "Two", replyToMessageID: "msg_1"),
                OutboundMessage(
                    numberID: "num_1", toNumber: "+15559876543", body: "Three", replyToMessageID: "msg_1"),
            ])
        #expect(api.calls.last == "react sent_1 laugh")
    }

    @Test func `a reply by SMS is no threaded one`() async throws {
        let api = FakeAPI()
        _ = try await logged("event:reply('Hi')", event: .message(channel: .sms), api: api)
        expectNoDifference(
            api.sent, [OutboundMessage(numberID: "num_1", toNumber: "+15559876543", body: "Hi")])
    }

    @Test func `messages are sent to anyone`() async throws {
        let api = FakeAPI()
        expectSame(
            try await logged(
                "print(messages.send { to = 'jane@example.com', agent = 'agt_2', media = { 'https://e.com/a' } }.id)",
                api: api), ["sent_1"])
        expectNoDifference(
            api.sent,
            [OutboundMessage(agentID: "agt_2", toNumber: "jane@example.com", body: "", mediaURLs: ["https://e.com/a"])])
    }

    @Test func `conversations and messages are listed with their methods`() async throws {
        let bench = try await RuleBench()
        bench.api.change { $0.messages["conv_1"] = [.sample("msg_7", "Earlier")] }
        let trace = try await bench.outcome(
            of: """
                local list, page = conversations.list { limit = 5 }
                print(#list, page.total, page.has_more, list[1].id)
                list[1]:tag { seen = true }
                print(conversations.get("conv_9"), conversations.get("conv_1").participant)
                local earlier = event.conversation:messages { limit = 5 }
                print(#earlier, earlier[1].body, earlier[1].conversation.id)
                earlier[1]:react("love")
                print(event.conversation:typing())
                """)
        expectNoDifference(
            trace.logged, ["1\t1\tfalse\tconv_1", "nil\t+15559876543", "1\tEarlier\tconv_1", "true"])
        #expect(bench.api.calls.contains("react msg_7 love"))
        #expect(bench.api.metadata(of: "conv_1") == ["seen": true])
    }

    @Test func `the store keeps values, per pack and per conversation`() async throws {
        let bench = try await RuleBench()
        let trace = try await bench.outcome(
            of: """
                local own = store.of(event.conversation)
                print(store.get("a"), own.get("a"))
                store.set("a", { list = { 1, 2 }, empty = json.array {}, text = "x" })
                own.set("a", 7)
                print(#store.get("a").list, json.encode(store.get("a").empty), own.get("a"))
                print(store.increment("n"), store.increment("n", 2), own.increment("n", 0.5))
                print(store.compare_and_set("lock", nil, "me"), store.compare_and_set("lock", nil, "you"))
                store.set("a", nil)
                print(store.get("a"), own.get("a"), store.get("lock"))
                """)
        expectNoDifference(
            trace.logged,
            ["nil\tnil", "2\t[]\t7", "1\t3\t0.5", "true\tfalse", "nil\t7\tme"])
        #expect(
            try await bench.store.value(scope: "acme/photos/conversation/conv_1", key: "a", at: bench.clock.date) != nil
        )
    }

    @Test func `a value of the store ends with its time`() async throws {
        let bench = try await RuleBench()
        _ = try await bench.outcome(of: "store.set('a', 1, { ttl = '2h' })")
        bench.clock.advance(by: .seconds(7199))
        #expect(try await bench.store.value(scope: "acme/photos", key: "a", at: bench.clock.date) != nil)
        bench.clock.advance(by: .seconds(2))
        #expect(try await bench.store.value(scope: "acme/photos", key: "a", at: bench.clock.date) == nil)
    }

    @Test func `time is read, written and taken apart`() async throws {
        expectSame(
            try await logged(
                """
                print(time.now(), time.iso(0), time.iso(1736942400.25), time.parse("2025-01-15T13:00:00+01:00"))
                print(time.parse("soon"), time.seconds("1h30m"), time.seconds(5))
                local d = time.date(1736942400, "Europe/Berlin")
                print(d.year, d.month, d.day, d.hour, d.minute, d.second, d.weekday, time.date(0).year)
                """),
            [
                "1736942400.0\t1970-01-01T00:00:00Z\t2025-01-15T12:00:00.250Z\t1736942400.0", "nil\t5400.0\t5",
                "2025\t1\t15\t13\t0\t0\t4\t1970",
            ])
    }

    @Test func `log lines carry level and fields, whatever their text`() async throws {
        let trace = try await RuleBench().outcome(
            of: """
                log.debug("a") log.info("b", { n = 1 }) log.warning("c") log.error("d")
                log.info("bytes \\xFF here") print("\\xFF", nil, 1) log.info(nil) log.info(event.conversation)
                log.info(("x"):rep(100000))
                log.info("big", { text = ("x"):rep(100000) })
                """)
        let lines = trace.logs.map(\.line)
        expectNoDifference(lines.prefix(4).map(\.level), ["debug", "info", "warning", "error"])
        #expect(try json(lines[1].fields) == ["n": 1])
        expectNoDifference(
            lines[4..<8].map(\.message),
            ["bytes \u{FFFD} here", "\u{FFFD}\tnil\t1", "nil", "conversation conv_1 with +15559876543"])
        #expect(lines[8].message.hasSuffix("x… (cut)"))
        #expect(lines[8].message.utf8.count < 20_000)
        #expect(lines[9] == LogLine(level: "info", message: "big (the fields are over 16 KB, so they are left out)"))
    }

    @Test func `lines past the limit are dropped, and one says so`() async throws {
        let trace = try await RuleBench().outcome(of: "for i = 1, 250 do log.info(i) end")
        #expect(trace.logs.count == 201)
        expectNoDifference(
            trace.logs.last?.line.message,
            "50 further log lines were dropped: between two commands 200 lines and 65536 bytes are kept "
                + "(limits.step_log_lines, limits.step_log_bytes)")
    }

    @Test func `a failed command is a table that can be caught and reads well`() async throws {
        let bench = try await RuleBench()
        bench.api.fail(.send, APIError(.forbidden, "the number is not registered"))
        let trace = try await bench.outcome(
            of: """
                local ok, problem = pcall(function() event.conversation:send("Hi") end)
                print(ok, problem.code, problem.retryable, problem)
                """)
        expectNoDifference(
            trace.logged,
            ["false\tforbidden\tfalse\tphotos/rules/tried.lua:2: the number is not registered"])
    }

    @Test func `a failed command that nobody caught gives the rule its code`() async throws {
        let bench = try await RuleBench()
        bench.api.fail(.send, APIError(.forbidden, "the number is not registered"))
        let trace = try await bench.outcome(of: "event.conversation:send('Hi')")
        #expect(trace.invocation.state == .failed)
        #expect(trace.invocation.failure?.code == "forbidden")
        #expect(trace.failureMessage == "photos/rules/tried.lua:2: the number is not registered")
    }

    @Test func `a store's failure can be caught as well`() async throws {
        expectSame(
            try await logged(
                "store.set('a', 'x') local _, e = pcall(store.increment, 'a') print(e.code)"),
            ["not_a_number"])
    }

    @Test func `modules and methods can't be replaced`() async throws {
        for attempt in [
            "store.get = nil", "log.info = print", "conversations.x = 1", "messages.send = nil", "time.now = nil",
            "store.of(event.conversation).get = nil", "json.x = 1",
        ] {
            let trace = try await RuleBench().outcome(of: attempt)
            #expect(trace.invocation.state == .failed, "\(attempt)")
        }
    }
}
