import Conversations
import CustomDump
import Foundation
import Testing

/// One broken file: what was last good stays in force over restarts, and what never was good makes its events wait.
@Suite(.timeLimit(.minutes(2)))
struct LastGoodTests {
    private static func tidewire(_ place: Workplace, _ arguments: String...) async throws -> (
        status: Int32, output: String, errors: String
    ) {
        try await Product.run(arguments + ["--state-directory", place.state.path])
    }

    private static let greet = """
        return { on = "message", run = function(message) message.conversation:send("hello " .. message.body) end }
        """

    @Test func `after a restart with a broken file the last good version answers, and everybody says so`() async throws
    {
        let place = try Workplace()
        try place.save(Self.greet, as: "greet")
        let first = try await DevProduct(place)
        #expect(await first.product.stop() == 0)
        try place.save("return {", as: "greet")

        let second = try await DevProduct(place, ["monitor.listen": "127.0.0.1:0"])
        #expect(second.product.output.all.contains("has problems. local/pack goes on as it was."))
        let sent = try await second.text("one")
        await second.product.output.next(holding: "greet finished")
        let answers = try await second.answers(in: sent.conversation)
        expectNoDifference(answers, ["hello one"])

        let status = try await Self.tidewire(place, "status")
        #expect(status.output.contains("local/pack stays in force as it was last good"), "\(status.output)")
        let json = try await Self.tidewire(place, "status", "--json")
        let monitor = try #require(try JSONValue(parsing: Data(json.output.utf8))["monitor"]?.string)
        let ready = try await HTTP(base: monitor).get("/ready")
        expectNoDifference(ready.status, 200)
        #expect(String(decoding: ready.body, as: UTF8.self).hasPrefix("ready, but degraded:\n"))
        let metrics = String(decoding: try await HTTP(base: monitor).get("/metrics").body, as: UTF8.self)
        #expect(metrics.contains("tidewire_packs{state=\"last_good\"} 1\n"))
        let doctor = try await Self.tidewire(place, "doctor", "--offline")
        #expect(doctor.output.contains("stays in force as it was last good"), "\(doctor.output)")
        #expect(await second.product.stop() == 0)

        let strict = try await Product.run(place.arguments("dev", [:], ["--strict", place.pack.path]))
        expectNoDifference(strict.status, 1)
        #expect(strict.errors.contains("--strict was given"))
    }

    @Test func `serve starts with the last good version too`() async throws {
        let place = try Workplace()
        try place.save(Self.greet, as: "greet")
        let environment = ["TIDEWIRE_API_KEY": "sk_test", "TIDEWIRE_WEBHOOK_SECRETS": "whsec_1"]
        let api = StubAPI()
        try await api.serve { url in
            for rule in [Self.greet, "return {"] {
                try place.save(rule, as: "greet")
                let host = try Product(
                    place.arguments("serve", ["api.base_url": url], [place.pack.path]), environment: environment)
                await host.output.next(holding: "  webhooks  ")
                let status = try await Self.tidewire(place, "status")
                #expect(status.output.contains("rules: local/pack"), "\(status.output)")
                #expect(await host.stop() == 0)
            }
        }
    }

    @Test func `events wait for a pack that was never good, others have them, and it has each once it is fixed`()
        async throws
    {
        let place = try Workplace()
        try place.save("return {", as: "greet")
        let other = place.folder.appending(path: "other", directoryHint: .isDirectory)
        try FileManager.default.createDirectory(
            at: other.appending(path: "rules"), withIntermediateDirectories: true)
        try Data("return { on = \"message\", run = function(message) message:react(\"love\") end }".utf8)
            .write(to: other.appending(path: "rules/heart.lua"))
        let dev = try await DevProduct(place, packs: [place.pack.path, other.path])
        let sent = try await dev.text("one")
        await dev.product.output.next(holding: "local/other:heart finished")
        await dev.product.output.next(holding: "held: waits for the pack in \(place.pack.path)")
        let held = try await Self.tidewire(place, "events", "--state", "held")
        #expect(held.output.contains("#1 "))
        #expect(await dev.product.stop() == 0)

        let again = try await DevProduct(place, packs: [place.pack.path, other.path])
        try place.save(Self.greet, as: "greet")
        await again.product.output.next(holding: "greet finished")
        let answers = try await again.answers(in: sent.conversation)
        expectNoDifference(answers, ["hello one"])
        let trace = try await Self.tidewire(place, "trace", "1", "--json")
        let runs = try JSONValue(parsing: Data(trace.output.utf8))["runs"]?.items ?? []
        expectNoDifference(
            runs.compactMap { $0["run"]?["rule"]?.string }, ["local/other:heart", "local/pack:greet"])
        #expect(await again.product.stop() == 0)
    }
}
