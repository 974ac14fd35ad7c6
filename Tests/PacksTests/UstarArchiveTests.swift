import CustomDump
import Foundation
import Packs
import TestSupport
import Testing

@Suite struct UstarArchiveTests {
    private static let manifest = PackManifest(
        name: "acme/photos", version: "1.0.0", description: "Hearts: \"for\" photos\nand more")

    private func pack(_ files: [String: Data]) -> Pack { Pack(manifest: Self.manifest, files: files) }

    private var small: Pack { pack(["rules/heart.lua": Data("return {}\n".utf8)]) }

    /// The bytes with another text at an offset, the header's checksum mended.
    private func altered(_ archive: Data, header: Int, at offset: Int, _ text: String) -> Data {
        var bytes = [UInt8](archive)
        bytes.replaceSubrange(header + offset..<header + offset + text.utf8.count, with: text.utf8)
        bytes.replaceSubrange(header + 148..<header + 156, with: Array("        ".utf8))
        let sum = bytes[header..<header + 512].reduce(0) { $0 + Int($1) }
        let digits = String(sum, radix: 8)
        let field = String(repeating: "0", count: 6 - digits.count) + digits + "\0 "
        bytes.replaceSubrange(header + 148..<header + 156, with: Array(field.utf8))
        return Data(bytes)
    }

    private func expectCorrupted(_ archive: Data, _ message: String, line: UInt = #line) {
        expectError(PackError(.corrupted, message), line: line) { _ = try Pack(archive: archive) }
    }

    @Test func `a pack comes back from its archive as it was`() throws {
        let deep = "lib/" + String(repeating: "deep/", count: 20) + String(repeating: "x", count: 90) + ".lua"
        let files = [
            "rules/heart.lua": Data("return {}\n".utf8), "rules/empty.lua": Data(),
            "lib/block.lua": Data(repeating: 0x20, count: 512), "lib/bytes.lua": Data(0...255), deep: Data("x".utf8),
        ]
        let pack = pack(files)
        let read = try Pack(archive: pack.archive)
        expectNoDifference(read, pack)
        expectNoDifference(read.manifest, Self.manifest)
    }

    @Test func `a pack without a manifest of its own keeps its name in the archive`() throws {
        let folder = try TemporaryFolder(named: "evening")
        try folder.write("return {}\n", to: "rules/heart.lua")
        let pack = try PackFolder(folder.url).read()
        expectNoDifference(try Pack(archive: pack.archive), pack)
        #expect(try Pack(archive: pack.archive).manifest.name == "local/evening")
    }

    @Test func `an archive cut short anywhere is refused`() {
        let archive = small.archive
        for length in stride(from: 0, to: archive.count - 1024, by: 128) {
            #expect(throws: PackError.self) { _ = try Pack(archive: archive.prefix(length)) }
        }
    }

    @Test func `a flipped bit of a header is found`() {
        var archive = small.archive
        archive[3] ^= 1
        expectCorrupted(archive, "the archive's header at byte 0 is damaged")
    }

    @Test func `a size that is no size is damage, not a trap`() {
        for size in ["-0000000001", "77777777777", "9", "0x10"] {
            #expect(throws: PackError.self) {
                _ = try Pack(archive: altered(small.archive, header: 0, at: 124, size + "\0"))
            }
        }
    }

    @Test func `links, devices and folders are refused`() {
        for kind in ["1", "2", "3", "5", "g"] {
            expectCorrupted(
                altered(small.archive, header: 0, at: 156, kind), "pack.yaml in the archive is not a plain file")
        }
    }

    @Test func `a path that is no file of a pack is refused`() {
        // The manifest's header and block come first.
        for path in ["../../etc/cron.d/x\0", "/etc/passwd\0", "rules/../x.lua\0", "rules/a/b.lua\0"] {
            let archive = altered(small.archive, header: 1024, at: 0, path)
            expectCorrupted(
                archive, "the archive holds \(path.dropLast()), which is no file of a pack")
        }
    }

    @Test func `a path that comes twice is refused`() {
        let archive = small.archive
        let manifest = archive.prefix(1024)
        expectCorrupted(manifest + archive, "the archive holds pack.yaml twice")
    }

    @Test func `an archive without a manifest is refused`() {
        expectCorrupted(small.archive.dropFirst(1024), "the archive holds no pack.yaml")
    }

    /// A trap would end the process without a word, so the seed is told before.
    @Test(arguments: [1, SeededGenerator.freshSeed])
    func `any bytes at all give a pack that is read from its own archive, or an error`(seed: UInt64) throws {
        print("UstarArchiveTests: bytes by seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var packs = 0
        for _ in 0..<200 {
            var archive = small.archive
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                archive[Int.random(in: 0..<archive.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            guard let pack = try? Pack(archive: archive) else { continue }
            packs += 1
            expectNoDifference(try Pack(archive: pack.archive), pack, "seed \(seed)")
        }
        #expect(packs > 0 && packs < 200, "seed \(seed)")
    }
}
