import Conversations
import CustomDump
import Foundation
import Testing

/// The real host, asked to stop while it works.
@Suite(.timeLimit(.minutes(3)))
struct StopTests {
    private static let phones = (1...6).map { "+1555987660\($0)" }

    @Test func `a host that is stopped under load, again and again, leaves nothing unknown and repeats nothing`()
        async throws
    {
        let stage = try await KillStage()
        try await stage.run { stage in
            try await stage.slowDown(seconds: 0.5)
            for life in 0..<5 {
                let host = try await stage.startHost()
                for (index, phone) in Self.phones.enumerated() {
                    try await stage.text("\(life)-\(index)", from: phone)
                }
                // Some of them are in the air now, and answered half a second later.
                await stage.proxy.effects(atLeast: stage.proxy.effects.count + 2 + life)
                #expect(await host.stop() == 0, "\(host.errors.all)")
                try await stage.expectNothingParked()
            }
            let last = try await stage.startHost()
            try await stage.settle()
            try await stage.expectNothingParked()
            try await stage.audit()
            #expect(await last.stop() == 0)
        }
    }

    // MARK: An API that doesn't answer

    private func host(_ place: Workplace, _ url: String, _ settings: [String: String]) async throws -> Product {
        try place.save("return { on = \"message\", run = function(message) message:react(\"love\") end }", as: "heart")
        let (product, provider) = try await Provider.host(
            place, url, ["api.look_again_after": "100ms"].merging(settings) { $1 })
        try await provider.deliver(expecting: 200)
        return product
    }

    @Test func `what does not end within the grace is cut off, and looked for at the next start`() async throws {
        let place = try Workplace()
        let api = StubAPI()
        api.silence("POST reaction")
        try await api.serve { url in
            let product = try await host(place, url, ["shutdown.grace": "100ms"])
            await api.request("POST reaction")
            #expect(await product.stop() == 0, "\(product.errors.all)")
            #expect(product.errors.all.contains("cut off"))
            let second = try await host(place, url, [:])
            await second.output.next(holding: "heart is parked")
            expectNoDifference(api.log.filter { $0 == "POST reaction" }.count, 1)
            #expect(await second.stop() == 0)
        }
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `a second signal ends the host at once`(_ signal: Int32) async throws {
        let place = try Workplace()
        let api = StubAPI()
        api.silence("POST reaction")
        try await api.serve { url in
            let product = try await host(place, url, ["shutdown.grace": "1h", "log.level": "notice"])
            await api.request("POST reaction")
            kill(product.processIdentifier, SIGTERM)
            await product.errors.next(holding: "stopping")
            kill(product.processIdentifier, signal)
            #expect(await product.exit() == 128 + signal)
        }
    }
}
