import Conversations
import CustomDump
import Foundation
import Testing

/// The commands as a shell sees them.
@Suite(.timeLimit(.minutes(2)))
struct CommandTests {
    @Test func `trigger shows the reaction and the metadata`() async throws {
        let place = try Workplace()
        try place.save(PhotoTests.heart, as: "heart")
        let dev = try await DevProduct(place)
        let photo = place.folder.appending(path: "photo.png")
        try Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]).write(to: photo)
        let result = try await Product.run([
            "trigger", "message", "--state-directory", place.state.path, "--from", "+15559876543", "--body", "Look!",
            "--image", photo.path,
        ])
        expectNoDifference(result.status, 0)
        #expect(result.output.contains("✓ local/pack:heart finished"))
        #expect(result.output.contains("has the reaction love"))
        #expect(result.output.contains("\"photos\":1"))
        #expect(await dev.product.stop() == 0)
    }

    @Test func `a second process with the same state directory names the first and exits 75`() async throws {
        let place = try Workplace()
        try place.save(PhotoTests.heart, as: "heart")
        let dev = try await DevProduct(place)
        let second = try await Product.run(place.arguments("dev", [:], [place.pack.path]))
        expectNoDifference(second.status, 75)
        #expect(second.errors.contains("process \(dev.product.processIdentifier) (tidewire dev)"))
    }

    @Test func `trigger without a running host says what to start and exits 69`() async throws {
        let place = try Workplace()
        let result = try await Product.run([
            "trigger", "message", "--state-directory", place.state.path, "--from", "+15559876543", "--body", "x",
        ])
        expectNoDifference(result.status, 69)
        #expect(result.errors.contains("start the host first"))
    }

    @Test func `check lists every problem with file and line, and exits 1`() async throws {
        let place = try Workplace()
        try place.save("return {\n  on = \"mesage\",\n  run = function() end,\n}", as: "one")
        try place.save(
            "return {\n  on = \"message\",\n  when = { chanel = \"sms\" },\n  run = function() end,\n}", as: "two")
        let result = try await Product.run(["check", place.pack.path])
        expectNoDifference(result.status, 1)
        #expect(result.output.contains("one.lua:2: on = \"mesage\" is no trigger; did you mean \"message\"?"))
        #expect(result.output.contains("two.lua:3: when.chanel is not known; did you mean \"channel\"?"))
    }

    @Test func `serve names every setting that is missing and exits 78`() async throws {
        let place = try Workplace()
        let result = try await Product.run(place.arguments("serve"))
        expectNoDifference(result.status, 78)
        for key in ["api.key", "packs", "webhook.secrets"] { #expect(result.errors.contains(key)) }
    }

    @Test func `a mistyped setting is told with file, line and the nearest one`() async throws {
        let place = try Workplace()
        let file = place.folder.appending(path: "tidewire.yaml")
        try Data("webhook:\n  listne: 127.0.0.1:1\n".utf8).write(to: file)
        let result = try await Product.run(["check", place.pack.path, "--config", file.path])
        expectNoDifference(result.status, 78)
        #expect(result.errors.contains("tidewire.yaml:2"))
        #expect(result.errors.contains("webhook.listen"))
    }

    @Test func `reload reads a pack on demand`() async throws {
        let place = try Workplace()
        try place.save(PhotoTests.heart, as: "heart")
        let dev = try await DevProduct(place)
        let result = try await Product.run(["reload", "--state-directory", place.state.path, "--json"])
        expectNoDifference(result.status, 0)
        let outcomes = try JSONValue(parsing: Data(result.output.utf8))
        expectNoDifference(outcomes.first?["pack"], "local/pack")
        expectNoDifference(outcomes.first?["outcome"], "unchanged")
        #expect(await dev.product.stop() == 0)
    }
}

extension CommandTests {
    @Test func `a command finds out at once that the host is gone`() async throws {
        let place = try Workplace()
        try place.save(PhotoTests.heart, as: "heart")
        let dev = try await DevProduct(place)
        _ = await dev.product.crash()
        let start = ContinuousClock.now
        let result = try await Product.run(["status", "--state-directory", place.state.path])
        expectNoDifference(result.status, 69)
        #expect(ContinuousClock.now - start < .seconds(10), "it must not wait for a connection that cannot come")
    }

    @Test func `a rule that hangs is stopped, told by the setting's name, and hurts no other`() async throws {
        let place = try Workplace()
        try place.save("return { on = \"message\", run = function() while true do end end }", as: "a_hang")
        try place.save(PhotoTests.heart, as: "heart")
        let dev = try await DevProduct(place, ["limits.cpu": "50ms"])
        let sent = try await dev.text("", media: [try await dev.upload()])
        let failure = try #require(await dev.product.output.next(holding: "a_hang failed"))
        #expect(failure.contains("50 ms of processor time"))
        #expect(failure.contains("limits.cpu"))
        await dev.product.output.next(holding: "heart finished")
        try await dev.expect(reactions: ["love"], on: sent)
        let known = try await Product.run(["settings"])
        #expect(known.output.contains("limits.cpu"))
    }
}
