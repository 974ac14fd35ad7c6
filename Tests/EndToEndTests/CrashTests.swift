import Conversations
import CustomDump
import Foundation
import NIOHTTP1
import Testing

/// `tidewire serve` against an API that doesn't answer, killed and started again.
@Suite(.timeLimit(.minutes(2)))
struct CrashTests {

    @Test func `an event accepted before a kill is processed after the restart`() async throws {
        let place = try Workplace()
        try place.save(
            "return { on = \"message\", run = function(message) message.conversation:tag { seen = true } end }",
            as: "tag")
        let api = StubAPI()
        api.silence("GET conversation")
        try await api.serve { url in
            let host = try await Provider.host(place, url)
            try await host.provider.deliver(expecting: 200)
            await api.request("GET conversation")
            _ = await host.product.crash()
            expectNoDifference(api.metadata, .null)

            api.answerAll()
            let second = try await Provider.host(place, url)
            await second.product.output.next(holding: "tag finished")
            expectNoDifference(api.metadata, ["seen": true])
            #expect(await second.product.stop() == 0)
        }
    }

    @Test func `a reaction in the air at a kill is parked for a person and never sent again`() async throws {
        let place = try Workplace()
        try place.save("return { on = \"message\", run = function(message) message:react(\"love\") end }", as: "heart")
        let api = StubAPI()
        api.silence("POST reaction")
        try await api.serve { url in
            let host = try await Provider.host(place, url)
            try await host.provider.deliver(expecting: 200)
            await api.request("POST reaction")
            _ = await host.product.crash()

            api.answerAll()
            let second = try await Provider.host(place, url)
            await second.product.output.next(holding: "heart is parked")
            // The queue goes on: the next event is worked on.
            try await second.provider.deliver(message: "msg_2", expecting: 200)
            await second.product.output.next(holding: "heart finished")
            expectNoDifference(api.log.filter { $0 == "POST reaction" }.count, 2)
            #expect(await second.product.stop() == 0)
        }
    }

    @Test func `a rule interrupted between two effects goes on after the first one`() async throws {
        let place = try Workplace()
        try place.save(
            """
            return { on = "message", run = function(message)
              message:react("love")
              message.conversation:tag { done = true }
            end }
            """, as: "both")
        let api = StubAPI()
        api.silence("PATCH conversation")
        try await api.serve { url in
            let host = try await Provider.host(place, url)
            try await host.provider.deliver(expecting: 200)
            await api.request("PATCH conversation")
            _ = await host.product.crash()

            api.answerAll()
            let second = try await Provider.host(place, url)
            await second.product.output.next(holding: "both finished")
            expectNoDifference(api.log.filter { $0 == "POST reaction" }.count, 1)
            expectNoDifference(api.metadata, ["done": true])
            #expect(await second.product.stop() == 0)
        }
    }

    @Test func `deliveries are answered 401, 400 and 413 with the reason, and 200 only once kept`() async throws {
        let place = try Workplace()
        try place.save("return { on = \"message\", run = function(message) end }", as: "quiet")
        let api = StubAPI()
        try await api.serve { url in
            let host = try await Provider.host(place, url, ["webhook.body_limit": "4KiB"])
            try await host.provider.deliver(secret: "whsec_other", expecting: 401)
            try await host.provider.deliver(age: 301, expecting: 401)
            try await host.provider.deliver(body: "{\"event\":", expecting: 400)
            try await host.provider.deliver(body: String(repeating: "x", count: 5000), expecting: 413)
            let unsigned = try await HTTP(base: host.provider.webhook).send(.POST, "", Data("{}".utf8))
            expectNoDifference(unsigned.status, 401)
            try await host.provider.deliver(expecting: 200)
            await host.product.output.next(holding: "quiet finished")
            try await host.provider.deliver(expecting: 200)
            await host.product.output.next(holding: "came again by webhook")
            let status = try await Product.run(["status", "--json", "--state-directory", place.state.path])
            expectNoDifference(
                try JSONValue(parsing: Data(status.output.utf8))["deliveries"],
                [
                    "accepted": 1, "duplicate": 1, "malformed": 1, "mismatch": 1, "not_signed": 1, "stale": 1,
                    "too_large": 1,
                ])
            for reason in ["mismatch", "stale", "malformed", "too_large", "not_signed"] {
                await host.product.errors.next(holding: "webhook delivery \(reason)")
            }
            #expect(!host.product.errors.all.contains(Provider.secret))
            #expect(await host.product.stop() == 0)
        }
    }
}
