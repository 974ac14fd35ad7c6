import Conversations
import CustomDump
import DurableExecution
import Foundation
import TestSupport
import Testing

@testable import Rules

/// Quiet hours, pauses and fuses, through a real engine.
@Suite(.timeLimit(.minutes(1)), .allReplayModes)
struct PolicyTests {
    private static let answer = "return { on = 'message', run = function(message) message.conversation:send('Hi') end }"

    private static func rule(_ body: String) -> String {
        "return { on = 'message', run = function(message)\n\(body)\nend }"
    }

    private func bench(_ rules: [String: String], _ policy: PolicyConfiguration) async throws -> RuleBench {
        try await RuleBench(rules: rules, configuration: RuleHostConfiguration(policy: policy))
    }

    /// Accepts an event and lets everything run that can.
    @discardableResult
    private func take(_ event: ConversationEvent, _ engine: Engine) async throws -> EventTrace {
        let accepted = try await engine.accept([try event.new()])
        await engine.idle()
        return try await engine.trace(ofEvent: try #require(accepted.first).sequence)
    }

    // MARK: Quiet hours

    private func quiet(_ action: QuietHours.Action = .hold) throws -> PolicyConfiguration {
        PolicyConfiguration(quietHours: try QuietHours(from: "11:00", to: "13:00", zone: "UTC", action: action))
    }

    private let early = ConversationEvent.message(at: noon.advanced(by: .seconds(-901)))

    @Test func `in quiet hours a send waits until they end, and says so`() async throws {
        let bench = try await bench(["a": Self.answer], try quiet())
        try await bench.run { engine in
            let held = try await take(early, engine).invocations[0].invocation
            expectNoDifference(held.state, .held)
            #expect(held.reason?.contains("quiet hours until 13:00 GMT") == true, "\(held.reason ?? "")")
            expectNoDifference(held.nextAttemptAt, noon.date.addingTimeInterval(3600))
            bench.clock.advance(by: .seconds(3599))
            await engine.idle()
            #expect(bench.api.sent.isEmpty)
            bench.clock.advance(by: .seconds(1))
            await engine.idle()
            expectNoDifference(bench.api.sent.map(\.body), ["Hi"])
        }
    }

    @Test func `what came before a held send went out is no reply to it`() async throws {
        let body = """
            messages.send { to = "+15550009999", number = "+15551234567", body = "Psst" }
            message.conversation:send("Well?")
            log.info(message.conversation:wait_reply { timeout = "1h" }.body)
            """
        let rule = "return { on = 'message', when = { body = 'go' }, run = function(message)\n\(body)\nend }"
        let bench = try await bench(["a": rule], try quiet())
        try await bench.run { engine in
            try await take(.message("go", at: noon.advanced(by: .seconds(-901))), engine)
            try await take(.message("too early", id: "msg_2"), engine)
            bench.clock.advance(by: .seconds(3600))
            await engine.idle()
            expectNoDifference(bench.api.sent.map(\.body), ["Psst", "Well?"])
            let late = noon.advanced(by: .seconds(3700))
            try await take(.message("an answer", id: "msg_3", at: late), engine)
            let logged = try await engine.trace(ofEvent: 1).invocations[0].logged
            expectNoDifference(logged, ["an answer"])
        }
    }

    @Test func `what came while the send itself was held is a reply to it`() async throws {
        let body = """
            message.conversation:send("Well?")
            log.info(message.conversation:wait_reply { timeout = "1h" }.body)
            """
        let rule = "return { on = 'message', when = { body = 'go' }, run = function(message)\n\(body)\nend }"
        let bench = try await bench(["a": rule], try quiet())
        try await bench.run { engine in
            try await take(.message("go", at: noon.advanced(by: .seconds(-901))), engine)
            try await take(.message("meanwhile", id: "msg_2", at: noon.advanced(by: .seconds(-901))), engine)
            #expect(bench.api.sent.isEmpty)
            bench.clock.advance(by: .seconds(3600))
            await engine.idle()
            let logged = try await engine.trace(ofEvent: 1).invocations[0].logged
            expectNoDifference(logged, ["meanwhile"])
        }
    }

    @Test func `quiet hours can refuse instead`() async throws {
        let bench = try await bench(["a": Self.answer], try quiet(.refuse))
        let trace = try await bench.process(early)
        expectNoDifference(trace.invocations[0].invocation.failure?.code, "quiet_hours")
    }

    @Test func `who wrote just now is answered in quiet hours too`() async throws {
        let bench = try await bench(["a": Self.answer], try quiet())
        try await bench.process(.message(at: noon.advanced(by: .seconds(-900))))
        expectNoDifference(bench.api.sent.map(\.body), ["Hi"])
    }

    @Test func `an answer after a wait counts from the reply`() async throws {
        let rule =
            "return { on = 'message', when = { body = 'order' }, run = function(message)\n"
            + "message.conversation:wait_reply {}\nmessage.conversation:send('Hi')\nend }"
        let bench = try await bench(["a": rule], try quiet())
        try await bench.process(.message("order", at: noon.advanced(by: .seconds(-1800))))
        try await bench.process(.message("here", id: "msg_2"))
        expectNoDifference(bench.api.sent.map(\.body), ["Hi"])
    }

    @Test func `to anybody else nothing goes out`() async throws {
        let body = "messages.send { to = '+15550009999', number = '+15551234567', body = 'Psst' }"
        let bench = try await bench(["a": Self.rule(body)], try quiet())
        let trace = try await bench.process(.message())
        expectNoDifference(trace.invocations[0].invocation.state, .held)
        #expect(bench.api.sent.isEmpty)
    }

    @Test func `metadata are written at any time`() async throws {
        let bench = try await bench(["a": Self.rule("message.conversation:tag { seen = true }")], try quiet())
        try await bench.process(early)
        expectNoDifference(bench.api.metadata(of: "conv_1"), ["seen": true])
    }

    // MARK: Pauses

    @Test(arguments: ["rule:acme/photos:a", "pack:acme/photos", "number:+15551234567"])
    func `what is paused starts nothing and says why, until it is resumed`(_ subject: String) async throws {
        let bench = try await bench(["a": Self.answer], PolicyConfiguration())
        try await bench.run { engine in
            try await engine.pause(subject, reason: "by hand")
            let trace = try await take(.message(), engine)
            expectNoDifference(
                trace.refusals, [Refusal(rule: "acme/photos:a", reason: "\(subject) is paused: by hand")])
            try await engine.resume(subject)
            try await take(.message(id: "msg_2"), engine)
            expectNoDifference(bench.api.sent.count, 1)
        }
    }

    @Test(arguments: [
        "rule:acme/photos:a", "pack:acme/photos", "number:" + "+15551234567",
    ])
    func `effects of runs under way wait for the resume`(_ subject: String) async throws {
        let body = "sleep('1h')\nmessage.conversation:tag { late = true }\nmessage:reply('Hi')"
        let bench = try await bench(["a": Self.rule(body)], PolicyConfiguration())
        try await bench.run { engine in
            try await take(.message(), engine)
            try await engine.pause(subject, reason: "by hand")
            bench.clock.advance(by: .seconds(3600))
            await engine.idle()
            let held = try #require(try await engine.invocations().first)
            expectNoDifference(held.state, .held)
            #expect(held.reason?.contains("\(subject) is paused: by hand") == true, "\(held.reason ?? "")")
            expectNoDifference(bench.api.updates.count + bench.api.sent.count, 0)
            try await engine.resume(subject)
            await engine.idle()
            expectNoDifference(bench.api.metadata(of: "conv_1"), ["late": true])
            expectNoDifference(bench.api.sent.map(\.body), ["Hi"])
        }
    }

    @Test func `other rules go on beside a paused one`() async throws {
        let bench = try await bench(
            ["a": Self.answer, "b": Self.rule("message:reply('From b')")], PolicyConfiguration())
        try await bench.run { engine in
            try await engine.pause(PauseSubject.rule("acme/photos:a"), reason: "by hand")
            try await take(.message(), engine)
        }
        expectNoDifference(bench.api.sent.map(\.body), ["From b"])
    }

    // MARK: Fuses

    @Test func `a rule that sends too much is paused, loses nothing, and goes on once it is resumed`() async throws {
        let bench = try await bench(
            ["a": Self.rule("for number = 1, 5 do message.conversation:send(tostring(number)) end")],
            PolicyConfiguration(fuses: Fuses(rule: FuseRate(3, per: .seconds(60)))))
        try await bench.run { engine in
            let trace = try await take(.message(), engine)
            let subject = "rule:acme/photos:a"
            let reason = "fuse: more than 3/1m sends and reactions by this rule (policy.fuses.rule)"
            expectNoDifference(engine.pauses.all.map { [$0.subject, $0.reason] }, [[subject, reason]])
            expectNoDifference(trace.invocations[0].invocation.state, .held)
            let next = try await take(.message(id: "msg_2"), engine)
            expectNoDifference(next.refusals.map(\.reason), ["\(subject) is paused: \(reason)"])
            expectNoDifference(bench.api.sent.map(\.body), ["1", "2", "3"])
            try await engine.resume(subject)
            await engine.idle()
            expectNoDifference(bench.api.sent.map(\.body), ["1", "2", "3", "4", "5"])
        }
    }

    @Test func `two rules that answer each other's messages are stopped`() async throws {
        let echo =
            "return { on = 'message', when = { direction = 'outbound', own = true }, run = function(message)\n"
            + "message:reply('again')\nend }"
        let bench = try await bench(["a": echo], PolicyConfiguration(fuses: .none))
        try await bench.run { engine in
            try await take(.message("seed", direction: .outbound), engine)
            var seen = 0
            while bench.api.sent.count > seen {
                seen = bench.api.sent.count
                let id = Message.ID("sent_\(seen)")
                try await take(.message("again", id: id, direction: .outbound), engine)
            }
            expectNoDifference(seen, EngineConfiguration().causeLimit + 1)
        }
    }

    @Test func `a rule that is stopped again and again for using up a limit is paused`() async throws {
        var configuration = RuleHostConfiguration(
            policy: PolicyConfiguration(fuses: Fuses(stops: FuseRate(1, per: .seconds(600)))))
        configuration.limits.cpu = .milliseconds(5)
        let bench = try await RuleBench(rules: ["a": Self.rule("while true do end")], configuration: configuration)
        try await bench.run { engine in
            try await take(.message(), engine)
            expectNoDifference(engine.pauses.all.map(\.subject), [])
            try await take(.message(id: "msg_2"), engine)
            expectNoDifference(
                engine.pauses.all.map { [$0.subject, $0.reason] },
                [["rule:acme/photos:a", "fuse: stopped more than 1/10m for using up a limit (policy.fuses.stops)"]])
        }
    }

    // MARK: Own echoes

    @Test func `a message that this host sent starts rules only where they ask for own ones`() async throws {
        func seen(_ when: String) -> String {
            "return { on = 'message', when = { direction = 'outbound'\(when) }, run = function() end }"
        }
        let bench = try await bench(
            ["a": Self.answer, "deaf": seen(""), "own": seen(", own = true")], PolicyConfiguration())
        try await bench.run { engine in
            try await take(.message(), engine)
            let echo = try await take(.message("Hi", id: "sent_1", direction: .outbound), engine)
            expectNoDifference(echo.invocations.map(\.invocation.rule), ["acme/photos:own"])
            let reason = try #require(echo.refusals.first { $0.rule == "acme/photos:deaf" }?.reason)
            #expect(reason.hasPrefix("this host sent it, in run "), "\(reason)")
            let theirs = try await take(.message("Hi", id: "msg_7", direction: .outbound), engine)
            expectNoDifference(theirs.invocations.map(\.invocation.rule), ["acme/photos:deaf", "acme/photos:own"])
        }
    }

    // MARK: A dead API

    @Test func `while the API is down work waits, and nothing is given up`() async throws {
        let bench = try await bench(["a": Self.rule("message.conversation:tag { seen = true }")], PolicyConfiguration())
        bench.api.change {
            $0.failures[.update] = Array(repeating: APIError(.unavailable, "connection refused"), count: 12)
        }
        try await bench.run { engine in
            try await take(.message(), engine)
            for _ in 1...200 {
                bench.clock.advance(by: .seconds(60))
                await engine.idle()
            }
            expectNoDifference(bench.api.metadata(of: "conv_1"), ["seen": true])
            let state = try await engine.trace(ofEvent: 1).invocations.map(\.invocation.state)
            expectNoDifference(state, [.finished])
        }
    }
}
