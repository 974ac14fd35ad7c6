import CustomDump
import Foundation
import Packs
import TestSupport
import Testing

@Suite struct PackTests {
    private let manifest = PackManifest(name: "acme/photos", version: "1.0.0")

    private func pack(_ files: [String: String]) -> Pack {
        Pack(manifest: manifest, files: files.mapValues { Data($0.utf8) })
    }

    @Test func `equal packs have equal digests, in whatever order their files are given`() {
        let names = (0..<40).map { "lib/module_\($0).lua" }
        let forth = pack(Dictionary(uniqueKeysWithValues: names.map { ($0, "return {}") }))
        let back = pack(Dictionary(uniqueKeysWithValues: names.reversed().map { ($0, "return {}") }))
        #expect(forth.digest == back.digest)
        #expect(forth.archive == back.archive)
    }

    /// The digest is what journals pin: it must never change for the same files. The figure is that of the archive that
    /// Python's tarfile makes of them.
    @Test func `a digest stays what it was`() {
        #expect(
            pack(["rules/a.lua": "return {}\n"]).digest
                == "66f246cfa50053287979b03596a50322304fd8d9539605a4c44105c2d0aee7c4")
    }

    @Test func `any change of a file, a name or the manifest changes the digest`() {
        let digests = [
            pack(["rules/a.lua": "return {}"]), pack(["rules/a.lua": "return { }"]), pack(["rules/b.lua": "return {}"]),
            pack(["rules/a.lua": "return {}", "lib/x.lua": ""]),
            Pack(
                manifest: PackManifest(name: "acme/other", version: "1.0.0"),
                files: ["rules/a.lua": Data("return {}".utf8)]),
        ].map(\.digest)
        #expect(Set(digests).count == digests.count)
    }

    @Test func `rules come in the order of their names`() {
        let pack = pack(["rules/a-b.lua": "", "rules/a.lua": "", "rules/a_c.lua": "", "rules/B.lua": ""])
        expectNoDifference(pack.rules.map(\.name), ["B", "a", "a-b", "a_c"])
    }

    @Test func `modules are named as require takes them`() {
        let pack = pack(["lib/topics.lua": "", "lib/text/fold.lua": "", "rules/a.lua": ""])
        expectNoDifference(pack.modules.map(\.name), ["text.fold", "topics"])
        expectNoDifference(pack.modules.map(\.path), ["lib/text/fold.lua", "lib/topics.lua"])
    }

    @Test func `a file that is missing or not UTF-8 is an error that names it`() {
        let pack = Pack(manifest: manifest, files: ["rules/a.lua": Data([0x2D, 0x2D, 0xFF])])
        expectError(
            PackError(.invalid, "rules/a.lua is not UTF-8 text; save it as UTF-8", file: "rules/a.lua")
        ) { _ = try pack.text(of: "rules/a.lua") }
        expectError(PackError(.invalid, "the pack has no file rules/b.lua", file: "rules/b.lua")) {
            _ = try pack.text(of: "rules/b.lua")
        }
    }
}
