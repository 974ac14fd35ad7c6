import CustomDump
import Foundation
import Packs
import TestSupport
import Testing

@Suite struct PackManifestTests {
    @Test func `a manifest says name, version and description`() throws {
        let manifest = try PackManifest(
            yaml: Data("# ours\nname: acme/photos\nversion: 1.4.0-beta.2\ndescription: \"Hearts: for photos\"\n".utf8))
        expectNoDifference(
            manifest,
            PackManifest(name: "acme/photos", version: "1.4.0-beta.2", description: "Hearts: for photos"))
    }

    @Test(arguments: [
        ("name: acme/photos\nversion: 1.0.0\nverison: 2\n", "unknown key \"verison\"; did you mean \"version\"?", 3),
        (
            "name: acme/photos\nversion: 1.0.0\ngrants: all\n",
            "unknown key \"grants\"; known are description, name, version", 3
        ),
        ("name: Acme Photos\nversion: 1.0.0\n", "name must be org/pack in lower case", 1),
        ("name: photos\nversion: 1.0.0\n", "name must be org/pack in lower case", 1),
        ("name: [acme, photos]\nversion: 1.0.0\n", "name must be org/pack in lower case", 1),
        ("name: acme/photos\nversion: 1.0\n", "version must be three numbers, such as 1.0.0", 2),
        ("name: acme/photos\nversion: 1.0.0-\n", "version must be three numbers, such as 1.0.0", 2),
        ("name: acme/photos\nversion: 1.0.0-a..b\n", "version must be three numbers, such as 1.0.0", 2),
        ("name: acme/photos\nversion: 01.0.0\n", "version must be three numbers, such as 1.0.0", 2),
        ("name: acme/photos\nversion: 1.0.0\ndescription: [a]\n", "description must be text", 3),
        ("version: 1.0.0\n", "name is missing: it must be org/pack in lower case", nil),
        ("name: acme/photos\n", "version is missing: it must be three numbers, such as 1.0.0", nil),
        ("", "must hold keys and values, at least name and version", nil),
        ("- acme/photos\n", "must hold keys and values, at least name and version", nil),
        ("name: acme/photos\nname: acme/other\nversion: 1.0.0\n", "holds a key twice: name", 1),
        ("name: acme/photos\nversion: \"1.0.0\n", "is not YAML: found unexpected end of stream", 3),
    ])
    func `a mistake is named with its line`(_ yaml: String, _ message: String, _ line: Int?) {
        expectError(PackError(.invalid, message, file: "pack.yaml", line: line)) {
            _ = try PackManifest(yaml: Data(yaml.utf8))
        }
    }

    @Test func `a manifest that is not UTF-8 is refused`() {
        expectError(PackError(.invalid, "is not UTF-8 text; save it as UTF-8", file: "pack.yaml")) {
            _ = try PackManifest(yaml: Data("name: acme/photos\nversion: 1.0.0\ndescription: ".utf8) + [0xE4, 0x0A])
        }
    }

    @Test func `names are bounded and plain`() {
        let long = String(repeating: "a", count: 120)
        for name in ["acme/\(long)", "acme/../etc", "acme/pho tos", "acme/\u{212A}", "acme/photos\n"] {
            #expect(throws: PackError.self) {
                _ = try PackManifest(yaml: Data("name: \"\(name)\"\nversion: 1.0.0\n".utf8))
            }
        }
    }
}
