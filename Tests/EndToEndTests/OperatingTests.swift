import Conversations
import CustomDump
import Foundation
import Testing

/// What operators do with a host: watch it, copy it, examine it, and look at what one left.
@Suite(.timeLimit(.minutes(2)))
struct OperatingTests {
    @Test func `what was recorded can be read after a crash, with a note that no host runs`() async throws {
        let place = try Workplace()
        try place.save(PhotoTests.heart, as: "heart")
        let dev = try await DevProduct(place)
        let sent = try await dev.text("Look!", media: [try await dev.upload()])
        await dev.product.output.next(holding: "heart finished")
        _ = await dev.product.crash()
        for arguments in [["events"], ["runs"], ["trace", sent.message]] {
            let result = try await Product.run(arguments + ["--state-directory", place.state.path])
            expectNoDifference(result.status, 0, "\(result.errors)")
            #expect(result.output.contains("#1"))
            #expect(result.errors.contains("no host runs"))
        }
        let unknown = try await Product.run(["events", "--state", "dnoe", "--state-directory", place.state.path])
        expectNoDifference(unknown.status, 64)
        #expect(unknown.errors.contains("did you mean \"done\""))
    }

    @Test func `a running host tells Prometheus what it counted, and whether it is ready`() async throws {
        let place = try Workplace()
        try place.save(PhotoTests.heart, as: "heart")
        let dev = try await DevProduct(place, ["monitor.listen": "127.0.0.1:0"])
        _ = try await dev.text("Look!", media: [try await dev.upload()])
        await dev.product.output.next(holding: "heart finished")
        let status = try await Product.run(["status", "--json", "--state-directory", place.state.path])
        let monitor = try #require(try JSONValue(parsing: Data(status.output.utf8))["monitor"]?.string)
        let http = HTTP(base: monitor)
        for path in ["/health", "/ready"] {
            let answer = try await http.get(path)
            expectNoDifference(answer.status, 200)
        }
        let metrics = String(decoding: try await http.get("/metrics").body, as: UTF8.self)
        #expect(metrics.contains("tidewire_engine_events_accepted_total 1\n"))
        #expect(metrics.contains("tidewire_webhook_deliveries_total{reason=\"accepted\"} 1\n"))
        #expect(metrics.contains("tidewire_engine_invocations_total{state=\"finished\"} 1\n"))
        #expect(metrics.contains("tidewire_runs{state=\"waiting\"} 0\n"))
        #expect(metrics.contains("process_resident_memory_bytes"))
        #expect(await dev.product.stop() == 0)
    }

    @Test func `a host with a pack that can't be loaded is not ready, and says why`() async throws {
        let place = try Workplace()
        try place.save("return {", as: "broken")
        let dev = try await DevProduct(place, ["monitor.listen": "127.0.0.1:0"])
        let status = try await Product.run(["status", "--json", "--state-directory", place.state.path])
        let monitor = try #require(try JSONValue(parsing: Data(status.output.utf8))["monitor"]?.string)
        let answer = try await HTTP(base: monitor).get("/ready")
        expectNoDifference(answer.status, 503)
        expectNoDifference(
            String(decoding: answer.body, as: UTF8.self), "1 of 1 packs can't be loaded: tidewire check says why\n")
        #expect(await dev.product.stop() == 0)
    }

    @Test func `a backup made while the host runs is whole, and a host goes on from it`() async throws {
        let place = try Workplace()
        try place.save(PhotoTests.heart, as: "heart")
        let dev = try await DevProduct(place)
        _ = try await dev.text("Look!", media: [try await dev.upload()])
        await dev.product.output.next(holding: "heart finished")
        let copy = place.folder.appending(path: "copy.sqlite").path
        let arguments = ["backup", copy, "--state-directory", place.state.path]
        let made = try await Product.run(arguments)
        expectNoDifference(made.status, 0, "\(made.errors)")
        let mode = try FileManager.default.attributesOfItem(atPath: copy)[.posixPermissions] as? Int
        expectNoDifference(mode, 0o600)
        let again = try await Product.run(arguments)
        expectNoDifference(again.status, 1)
        #expect(again.errors.contains("--replace"))
        let replaced = try await Product.run(arguments + ["--replace"])
        expectNoDifference(replaced.status, 0, "\(replaced.errors)")
        _ = await dev.product.crash()

        for name in ["engine.sqlite", "engine.sqlite-wal", "engine.sqlite-shm"] {
            try? FileManager.default.removeItem(at: place.state.appending(path: name))
        }
        try FileManager.default.moveItem(atPath: copy, toPath: place.state.appending(path: "engine.sqlite").path)
        let second = try await DevProduct(place)
        let events = try await Product.run(["events", "--state-directory", place.state.path])
        #expect(events.output.contains("#1"))
        #expect(await second.product.stop() == 0)
    }

    @Test func `doctor finds all well, a broken pack, a missing secret and a damaged database`() async throws {
        let place = try Workplace()
        try place.save(PhotoTests.heart, as: "heart")
        let dev = try await DevProduct(place)
        let base = ["--state-directory", place.state.path]
        let well = try await Product.run(["doctor", place.pack.path] + base)
        expectNoDifference(well.status, 0, "\(well.output)")
        for text in ["✓ packs: local/pack", "✓ database: engine.sqlite is sound", "✓ process: ", "✓ api: "] {
            #expect(well.output.contains(text), "\(well.output)")
        }
        #expect(await dev.product.stop() == 0)

        try place.save("return {", as: "broken")
        let broken = try await Product.run(
            ["doctor", place.pack.path, "--set", "webhook.secrets=file:/nowhere/secret"] + base)
        expectNoDifference(broken.status, 1)
        #expect(broken.output.contains("✗ packs: "))
        #expect(broken.output.contains("✗ webhook.secrets: "))

        // The write-ahead log may hold every page there is.
        try FileManager.default.removeItem(at: place.state.appending(path: "engine.sqlite-wal"))
        let database = place.state.appending(path: "engine.sqlite")
        try Data("this was a database once, and it is long enough to be looked at".utf8).write(to: database)
        let damaged = try await Product.run(["doctor", "--offline", "--json"] + base)
        expectNoDifference(damaged.status, 1)
        #expect(damaged.output.contains("\"bad\""))
    }

    @Test func `a process that ends by its own fault leaves a note of it, one that is killed does not`() async throws {
        let place = try Workplace()
        try place.save(PhotoTests.heart, as: "heart")
        // The last of 1,024 words holds the signal.
        let mark = { () throws -> UInt8 in
            let notes = try Data(contentsOf: place.state.appending(path: "running"))
            return notes[notes.count - 8]
        }
        let killed = try await DevProduct(place)
        _ = await killed.product.crash()
        #expect(try mark() == 0)
        // Swift's own crash handler would read all symbols first, which takes minutes.
        let faulty = try await DevProduct(place, environment: ["SWIFT_BACKTRACE": "enable=no"])
        kill(faulty.product.processIdentifier, SIGABRT)
        _ = await faulty.product.exit()
        #expect(try mark() == UInt8(SIGABRT))
        let next = try await DevProduct(place)
        #expect(try mark() == 0)
        #expect(await next.product.stop() == 0)
    }

    @Test func `the admin socket is its owner's alone`() async throws {
        let place = try Workplace()
        try place.save(PhotoTests.heart, as: "heart")
        let dev = try await DevProduct(place)
        // Answered, so the socket is there.
        let status = try await Product.run(["status", "--state-directory", place.state.path])
        expectNoDifference(status.status, 0, "\(status.errors)")
        let socket = place.state.appending(path: "admin.sock").path
        let mode = try FileManager.default.attributesOfItem(atPath: socket)[.posixPermissions] as? Int
        expectNoDifference(mode, 0o600)
        #expect(await dev.product.stop() == 0)
    }
}
