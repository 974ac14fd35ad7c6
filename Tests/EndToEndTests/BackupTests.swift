import Conversations
import CustomDump
import Foundation
import Testing

/// A copy of the database is all that runs under way need.
@Suite(.timeLimit(.minutes(2)))
struct BackupTests {
    private static func rule(_ thanks: String) -> String {
        """
        return { on = "message", when = { body = "order" }, run = function(message)
          message.conversation:send("Which order?")
          local reply = message.conversation:wait_reply { timeout = "2h" }
          message.conversation:send("\(thanks)")
        end }
        """
    }

    private static func tidewire(_ place: Workplace, _ arguments: String...) async throws -> (
        status: Int32, output: String, errors: String
    ) {
        try await Product.run(arguments + ["--state-directory", place.state.path])
    }

    @Test func `restored elsewhere, a waiting run goes on with its own version, once the host is let go`() async throws
    {
        let place = try Workplace()
        try place.save(Self.rule("Thanks, as of old"), as: "ask")
        let dev = try await DevProduct(place)
        let sent = try await dev.text("order")
        await dev.product.output.next(holding: "ask waits for a reply")
        let copies = place.folder.appending(path: "copies", directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: copies, withIntermediateDirectories: true)
        let copy = copies.appending(path: "copy.sqlite")
        let made = try await Self.tidewire(place, "backup", copy.path)
        expectNoDifference(made.status, 0, "\(made.errors)")
        try expectNoDifference(FileManager.default.contentsOfDirectory(atPath: copies.path), ["copy.sqlite"])
        #expect(await dev.product.stop() == 0)

        let restored = try Workplace()
        try place.save(Self.rule("Thanks, as of today"), as: "ask")
        // The other machine has the gateway's conversations, which stand for the service's, and of the host the copy only.
        try FileManager.default.createDirectory(
            at: restored.state, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for name in try FileManager.default.contentsOfDirectory(atPath: place.state.path)
        where name.hasPrefix("gateway") || name == "keys.json" {
            try FileManager.default.copyItem(
                at: place.state.appending(path: name), to: restored.state.appending(path: name))
        }
        try FileManager.default.copyItem(at: copy, to: restored.state.appending(path: "engine.sqlite"))
        let host = try await DevProduct(restored, [:], ["--hold"], packs: [place.pack.path])
        _ = try await host.text("ORD-1")
        let status = try await Self.tidewire(restored, "status")
        #expect(status.output.contains("⏸ all"), "\(status.output)")
        await host.product.output.next(holding: "\"ORD-1\"")
        let before = try await host.answers(in: sent.conversation)
        expectNoDifference(before, ["Which order?"])

        let resumed = try await Self.tidewire(restored, "resume", "--all")
        expectNoDifference(resumed.status, 0, "\(resumed.errors)")
        await host.product.output.next(holding: "ask finished")
        let after = try await host.answers(in: sent.conversation)
        expectNoDifference(after, ["Which order?", "Thanks, as of old"])
        #expect(await host.product.stop() == 0)
    }

    @Test func `packs that a version before kept in files are taken over at the start`() async throws {
        let place = try Workplace()
        try place.save(Self.rule("Thanks"), as: "ask")
        let packs = place.state.appending(path: "packs", directoryHint: .isDirectory)
        try FileManager.default.createDirectory(
            at: place.state, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try FileManager.default.createDirectory(at: packs, withIntermediateDirectories: true)
        let dev = try await DevProduct(place)
        #expect(!FileManager.default.fileExists(atPath: packs.path))
        #expect(await dev.product.stop() == 0)
    }
}
