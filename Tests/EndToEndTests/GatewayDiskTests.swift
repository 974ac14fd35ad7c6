import Conversations
import CustomDump
import Foundation
import NIOHTTP1
import Testing

/// The gateway where files can't grow: the nearest to a full disk that needs no file system of its own.
@Suite(.timeLimit(.minutes(2)))
struct GatewayDiskTests {
    /// 2 MiB, in the 512 bytes that `ulimit` counts in. The signal that goes with it is ignored, so that writing fails as
    /// on a full disk. Sources: POSIX, `ulimit`; setrlimit(2), `RLIMIT_FSIZE`.
    private static let limit = "trap '' XFSZ; ulimit -S -f 4096"

    @Test func `what does not fit is refused and leaves nothing behind, and with room again all goes on`() async throws
    {
        let place = try Workplace()
        let gateway = try await GatewayProduct(place, ["log.level": "critical"], shell: Self.limit)
        let large = Data(repeating: 7, count: 3 << 20)
        let upload = try await gateway.phones.send(.POST, "/sim/media", large, type: "application/octet-stream")
        expectNoDifference(upload.status, 507, "\(upload.json)")
        expectNoDifference(upload.json["error"]?["code"], "STORAGE_FULL")
        let media = try FileManager.default.contentsOfDirectory(atPath: place.state.appending(path: "media").path)
        expectNoDifference(media, [])

        var kept: [String] = []
        var refused: HTTP.Answer?
        while refused == nil, kept.count < 5000 {
            let answer = try await gateway.phones.post("/sim/messages", ["from": "+15559876543", "body": "again"])
            if let id = answer.json["message_ids"]?.first?.string { kept.append(id) } else { refused = answer }
        }
        let answer = try #require(refused, "the database grew past the limit")
        #expect([503, 507].contains(answer.status), "\(answer.status)")
        #expect(answer.json["error"]?["code"]?.string?.hasPrefix("STORAGE_") == true, "\(answer.json)")
        // Reading goes on, and shows what was acknowledged and no more.
        let latest = try await gateway.phones.get("/sim/phones/%2B15559876543/messages?limit=1").json["data"]?.first
        expectNoDifference(latest?["id"]?.string, kept.last)

        let room = try await Product.run(
            ["--pid", "\(gateway.product.processIdentifier)", "--fsize=unlimited:"],
            binary: URL(filePath: "/usr/bin/prlimit"))
        expectNoDifference(room.status, 0, "\(room.errors)")
        let again = try await gateway.phones.post("/sim/messages", ["from": "+15559876543", "body": "at last"])
        expectNoDifference(again.status, 200, "\(again.json)")
        let second = try await gateway.phones.send(.POST, "/sim/media", large, type: "application/octet-stream")
        expectNoDifference(second.status, 200)
        let conversation = try await gateway.api.get("/v1/conversations").json["data"]?.first
        expectNoDifference(conversation?["messageCount"], .integer(Int64(kept.count) + 1))
        #expect(await gateway.product.stop() == 0)
    }
}
