import Conversations
import CustomDump
import Foundation
import Testing

/// What people have a running host do.
@Suite(.timeLimit(.minutes(2)))
struct ControlTests {
    private static let greet = """
        return { on = "message", run = function(message) message.conversation:send("hello " .. message.body) end }
        """

    private static func tidewire(_ place: Workplace, _ arguments: String...) async throws -> (
        status: Int32, output: String, errors: String
    ) {
        try await Product.run(arguments + ["--state-directory", place.state.path])
    }

    @Test func `a paused rule starts for nothing, says so, stays paused over a restart, and goes on when resumed`()
        async throws
    {
        let place = try Workplace()
        try place.save(Self.greet, as: "greet")
        let first = try await DevProduct(place)
        let paused = try await Self.tidewire(place, "pause", "local/pack:greet", "--reason", "too chatty")
        expectNoDifference(paused.status, 0, "\(paused.errors)")
        _ = try await first.text("one")
        await first.product.output.next(holding: "✗ local/pack:greet: ")
        #expect(await first.product.stop() == 0)

        let second = try await DevProduct(place)
        let status = try await Self.tidewire(place, "status")
        #expect(status.output.contains("⏸ rule:local/pack:greet") && status.output.contains("too chatty"))
        _ = try await second.text("two")
        await second.product.output.next(holding: "✗ local/pack:greet: ")
        let resumed = try await Self.tidewire(place, "resume", "local/pack:greet")
        expectNoDifference(resumed.status, 0, "\(resumed.errors)")
        let sent = try await second.text("three")
        await second.product.output.next(holding: "greet finished")
        let answers = try await second.answers(in: sent.conversation)
        expectNoDifference(answers, ["hello three"])
        #expect(await second.product.stop() == 0)
    }

    @Test func `while everything is paused, trigger says that the message waits for its turn`() async throws {
        let place = try Workplace()
        try place.save(Self.greet, as: "greet")
        let dev = try await DevProduct(place)
        let paused = try await Self.tidewire(place, "pause", "--all", "--reason", "lunch")
        expectNoDifference(paused.status, 0, "\(paused.errors)")
        let trigger = try await Self.tidewire(
            place, "trigger", "message", "--from", "+15559876543", "--body", "hi", "--wait", "300ms")
        #expect(trigger.output.contains("waits for its turn"), "\(trigger.output) \(trigger.errors)")
        #expect(!trigger.output.contains("no rule is for this"))
        #expect(await dev.product.stop() == 0)
    }

    @Test func `pause names the nearest rule for one that is not there`() async throws {
        let place = try Workplace()
        try place.save(Self.greet, as: "greet")
        let dev = try await DevProduct(place)
        let result = try await Self.tidewire(place, "pause", "local/pack:great")
        expectNoDifference(result.status, 64)
        #expect(result.errors.contains("did you mean \"local/pack:greet\""))
        let unknown = try await Self.tidewire(place, "resume", "local/pack:greet")
        expectNoDifference(unknown.status, 1)
        #expect(unknown.errors.contains("not paused"))
        #expect(await dev.product.stop() == 0)
    }

    @Test func `nobody who said stop is written to, until they say start`() async throws {
        let place = try Workplace()
        try place.save(Self.greet, as: "greet")
        let dev = try await DevProduct(place)
        _ = try await dev.text("STOP")
        await dev.product.output.next(holding: "so nothing is sent to them")
        _ = try await dev.text("anybody?")
        await dev.product.output.next(holding: "so nothing is sent to them")
        let sent = try await dev.text("Start")
        await dev.product.output.next(holding: "greet finished")
        let answers = try await dev.answers(in: sent.conversation)
        expectNoDifference(answers, ["hello Start"])
        #expect(await dev.product.stop() == 0)
    }

    @Test func `an opt-out is looked up and set by hand, and holds like the person's own`() async throws {
        let place = try Workplace()
        try place.save(Self.greet, as: "greet")
        let dev = try await DevProduct(place)
        let number = "+15555550100"
        let out = try await Self.tidewire(
            place, "opt-outs", "+15559876543", "--out", "--number", number, "--reason", "by letter")
        expectNoDifference(out.status, 0, "\(out.errors)")
        #expect(out.output.contains("is not written to from \(number): \"by letter\""))
        let sent = try await dev.text("hello?")
        await dev.product.output.next(holding: "so nothing is sent to them")
        let back = try await Self.tidewire(place, "opt-outs", "+15559876543", "--in", "--number", number)
        #expect(back.output.contains("may be written to"))
        _ = try await dev.text("again")
        await dev.product.output.next(holding: "greet finished")
        let answers = try await dev.answers(in: sent.conversation)
        expectNoDifference(answers, ["hello again"])
        let half = try await Self.tidewire(place, "opt-outs", "+15559876543", "--out")
        expectNoDifference(half.status, 64)
        #expect(await dev.product.stop() == 0)
    }

    @Test func `a dry run lists what rules would send and sends nothing`() async throws {
        let place = try Workplace()
        try place.save(Self.greet, as: "greet")
        let dev = try await DevProduct(place, [:], ["--dry-run"])
        let sent = try await dev.text("one")
        let line = await dev.product.output.next(holding: "message.send \"hello one\"")
        #expect(line?.contains("not performed (dry run)") == true)
        await dev.product.output.next(holding: "greet finished")
        let answers = try await dev.answers(in: sent.conversation)
        expectNoDifference(answers, [])
        #expect(await dev.product.stop() == 0)
    }

    @Test func `a rule that floods is paused, and what it still wanted to send waits`() async throws {
        let place = try Workplace()
        try place.save(
            """
            return { on = "message", run = function(message)
              for index = 1, 5 do message.conversation:send("flood " .. index) end
            end }
            """, as: "flood")
        let dev = try await DevProduct(place, ["policy.fuses.rule": "3/1m"])
        let sent = try await dev.text("one")
        await dev.product.output.next(holding: "⏸ rule:local/pack:flood is paused: fuse:")
        await dev.product.output.next(holding: "flood is held")
        let before = try await dev.answers(in: sent.conversation)
        expectNoDifference(before, ["flood 1", "flood 2", "flood 3"])
        let resumed = try await Self.tidewire(place, "resume", "local/pack:flood")
        expectNoDifference(resumed.status, 0, "\(resumed.errors)")
        await dev.product.output.next(holding: "flood finished")
        let after = try await dev.answers(in: sent.conversation)
        expectNoDifference(after, ["flood 1", "flood 2", "flood 3", "flood 4", "flood 5"])
        #expect(await dev.product.stop() == 0)
    }

    @Test func `a rule that floods one person sends them nothing for a while, and status says so`() async throws {
        let place = try Workplace()
        try place.save(
            """
            return { on = "message", run = function(message)
              for index = 1, 5 do message.conversation:send("flood " .. index) end
            end }
            """, as: "flood")
        let dev = try await DevProduct(place, ["policy.fuses.conversation": "3/1m"])
        let sent = try await dev.text("one")
        await dev.product.output.next(holding: "sends them nothing until")
        let answers = try await dev.answers(in: sent.conversation)
        expectNoDifference(answers, ["flood 1", "flood 2", "flood 3"])
        let status = try await Self.tidewire(place, "status")
        #expect(status.output.contains("local/pack:flood sends +15559876543 nothing until"), "\(status.output)")
        #expect(await dev.product.stop() == 0)
    }

    @Test func `a replay shows what today's rules would do, and does it only with --perform`() async throws {
        let place = try Workplace()
        try place.save(Self.greet, as: "greet")
        let dev = try await DevProduct(place)
        let sent = try await dev.text("one")
        await dev.product.output.next(holding: "greet finished")
        try place.save(Self.greet.replacing("hello", with: "welcome"), as: "greet")
        await dev.product.output.next(holding: "loaded local/pack")

        let rehearsal = try await Self.tidewire(place, "replay", "#1")
        expectNoDifference(rehearsal.status, 0, "\(rehearsal.errors)")
        #expect(rehearsal.output.contains("nothing was performed") && rehearsal.output.contains("welcome one"))
        let before = try await dev.answers(in: sent.conversation)
        expectNoDifference(before, ["hello one"])

        let real = try await Self.tidewire(place, "replay", "1", "--perform")
        expectNoDifference(real.status, 0, "\(real.errors)")
        let after = try await dev.answers(in: sent.conversation)
        expectNoDifference(after, ["hello one", "welcome one"])
        #expect(await dev.product.stop() == 0)
    }

    @Test func `a failed run goes on with the mended rule where it stopped, and from the start only if told`()
        async throws
    {
        let place = try Workplace()
        let broken = """
            return { on = "message", run = function(message)
              message.conversation:send("first")
              message.conversation:tag { seen = missing.field }
            end }
            """
        try place.save(broken, as: "two")
        let dev = try await DevProduct(place)
        let sent = try await dev.text("one")
        await dev.product.output.next(holding: "two failed")
        try place.save(broken.replacing("missing.field", with: "true"), as: "two")
        await dev.product.output.next(holding: "loaded local/pack")
        let runs = try await Self.tidewire(place, "runs", "--json")
        let id = try #require(try JSONValue(parsing: Data(runs.output.utf8)).first?["id"]?.string)

        let retried = try await Self.tidewire(place, "runs", "retry", id)
        expectNoDifference(retried.status, 0, "\(retried.errors)")
        #expect(retried.output.contains("finished"))
        let answers = try await dev.answers(in: sent.conversation)
        expectNoDifference(answers, ["first"])
        let metadata = try await dev.conversation(sent.conversation)["metadata"]
        expectNoDifference(metadata, ["seen": true])

        let anew = try await Self.tidewire(place, "runs", "retry", id, "--from-start")
        expectNoDifference(anew.status, 1)
        #expect(anew.output.contains("message.send"))
        let repeated = try await Self.tidewire(place, "runs", "retry", id, "--from-start", "--repeating")
        expectNoDifference(repeated.status, 0, "\(repeated.errors)")
        let twice = try await dev.answers(in: sent.conversation)
        expectNoDifference(twice, ["first", "first"])
        #expect(await dev.product.stop() == 0)
    }

    @Test func `a person is forgotten, and what could not be erased is said`() async throws {
        let place = try Workplace()
        try place.save(Self.greet, as: "greet")
        let dev = try await DevProduct(place)
        let sent = try await dev.text("my secret")
        await dev.product.output.next(holding: "greet finished")
        let unsure = try await Self.tidewire(place, "forget", "+15559876543")
        expectNoDifference(unsure.status, 1)
        #expect(unsure.errors.contains("--yes"))
        let forgotten = try await Self.tidewire(place, "forget", "+1 (555) 987-6543", "--yes")
        expectNoDifference(forgotten.status, 0, "\(forgotten.errors)")
        #expect(forgotten.output.contains("1 events, 1 runs") && forgotten.output.contains("left: "))
        let trace = try await Self.tidewire(place, "trace", "1", "--json")
        #expect(!trace.output.contains("my secret") && trace.output.contains("forgotten"))
        // It is not taken for new when it comes again.
        _ = try await dev.text("something else")
        await dev.product.output.next(holding: "greet finished")
        let answers = try await dev.answers(in: sent.conversation)
        expectNoDifference(answers, ["hello my secret", "hello something else"])
        #expect(await dev.product.stop() == 0)
    }

    @Test func `quiet hours that lack their end or zone are refused with what is missing`() async throws {
        let place = try Workplace()
        try place.save(Self.greet, as: "greet")
        let result = try await Product.run(
            place.arguments("dev", ["policy.quiet_hours.from": "21:00"], [place.pack.path]))
        expectNoDifference(result.status, 78)
        #expect(result.errors.contains("policy.quiet_hours: to and zone must be set too"))
    }

    @Test func `events are followed as they come`() async throws {
        let place = try Workplace()
        try place.save(Self.greet, as: "greet")
        let dev = try await DevProduct(place)
        let follower = try Product(["events", "--follow", "--state-directory", place.state.path])
        _ = try await dev.text("one")
        await follower.output.next(holding: "#1 ")
        _ = try await dev.text("two")
        await follower.output.next(holding: "#2 ")
        _ = await follower.crash()
        #expect(await dev.product.stop() == 0)
    }

    @Test func `a trace is followed until its last run has ended`() async throws {
        let place = try Workplace()
        try place.save(
            """
            return { on = "message", when = { body = "order" }, run = function(message)
              local reply = message.conversation:wait_reply { timeout = "2h" }
              message.conversation:tag { answer = reply.body }
            end }
            """, as: "ask")
        let dev = try await DevProduct(place)
        _ = try await dev.text("order")
        await dev.product.output.next(holding: "ask waits for a reply")
        let follower = try Product(["trace", "1", "--follow", "--state-directory", place.state.path])
        await follower.output.next(holding: "waits for a reply")
        _ = try await dev.text("ORD-1")
        await follower.output.next(holding: "conversation.tag")
        #expect(await follower.exit() == 0)
        #expect(follower.output.all.contains("✓ local/pack:ask finished"))
        #expect(await dev.product.stop() == 0)
    }
}
