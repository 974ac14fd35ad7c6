import CustomDump
import Foundation
import Packs
import TestSupport
import Testing

@Suite struct PackFolderTests {
    private func expectInvalid(
        _ folder: TemporaryFolder, _ message: String, file: String, line: UInt = #line
    ) {
        expectError(PackError(.invalid, message, file: file), line: line) { _ = try PackFolder(folder.url).read() }
    }

    @Test func `a pack is its manifest, its rules and its modules, and nothing else`() throws {
        let folder = try TemporaryFolder()
        try folder.write("name: acme/photos\nversion: 1.0.0\n", to: "pack.yaml")
        try folder.write("return {}", to: "rules/heart.lua")
        try folder.write("return {}", to: "lib/text/fold.lua")
        for other in ["README.md", "rules/.heart.lua.swp", "rules/heart.lua~", "rules/notes.txt", "src/x.lua"] {
            try folder.write("no part of it", to: other)
        }
        let pack = try PackFolder(folder.url).read()
        expectNoDifference(pack.files.keys.sorted(), ["lib/text/fold.lua", "pack.yaml", "rules/heart.lua"])
        expectNoDifference(pack.manifest, PackManifest(name: "acme/photos", version: "1.0.0"))
    }

    @Test func `the digest does not depend on the folder`() throws {
        let folders = [try TemporaryFolder(named: "one"), try TemporaryFolder(named: "two")]
        for folder in folders {
            try folder.write("name: acme/photos\nversion: 1.0.0\n", to: "pack.yaml")
            try folder.write("return {}", to: "rules/heart.lua")
        }
        #expect(try PackFolder(folders[0].url).read().digest == PackFolder(folders[1].url).read().digest)
    }

    @Test(arguments: [
        ("evening", "local/evening"), ("My Rules", "local/my-rules"), ("_x", "local/pack"), ("Ünder", "local/pack"),
    ])
    func `a folder without a manifest names its pack`(_ folderName: String, _ name: String) throws {
        let folder = try TemporaryFolder(named: folderName)
        let pack = try PackFolder(folder.url).read()
        expectNoDifference(pack.manifest, PackManifest(name: name, version: "0.0.0"))
    }

    @Test func `equal rules in two folders without a manifest are two packs`() throws {
        let folders = [try TemporaryFolder(named: "one"), try TemporaryFolder(named: "two")]
        for folder in folders { try folder.write("return {}", to: "rules/heart.lua") }
        #expect(try PackFolder(folders[0].url).read().digest != PackFolder(folders[1].url).read().digest)
    }

    @Test func `a folder that is not there is unreadable`() throws {
        let folder = try TemporaryFolder().url.appending(path: "gone", directoryHint: .isDirectory)
        expectError(PackError(.unreadable, "there is no folder \(folder.path)", file: folder.path)) {
            _ = try PackFolder(folder).read()
        }
    }

    @Test func `a file is a few hundred kilobytes at most`() throws {
        let folder = try TemporaryFolder()
        try folder.write(Data(count: PackFolder.fileByteLimit), to: "rules/full.lua")
        _ = try PackFolder(folder.url).read()
        try folder.write(Data(count: PackFolder.fileByteLimit + 1024), to: "rules/full.lua")
        expectInvalid(folder, "is 257 KB, over the 256 KB allowed", file: "rules/full.lua")
    }

    @Test func `a pack holds a bounded number of files`() throws {
        let folder = try TemporaryFolder()
        for index in 0...PackFolder.fileCountLimit { try folder.write("", to: "rules/r\(index).lua") }
        expectInvalid(folder, "holds more than 2000 files", file: folder.url.path)
    }

    @Test(arguments: [
        "rules/two words.lua", "rules/Käse.lua", "rules/\u{212A}.lua", "rules/sub/heart.lua", "lib/a.b.lua",
        "lib/sub dir/x.lua", "rules/new\nline.lua", "rules/💛.lua",
    ])
    func `a name that can't be typed or shown is refused`(_ path: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("return {}", to: path)
        expectInvalid(
            folder, "names may hold letters, digits, _ and - only, and rules lie directly in rules/", file: path)
    }

    @Test func `a path that fits no archive is refused`() throws {
        let folder = try TemporaryFolder()
        let path = "lib/" + String(repeating: "x", count: 120) + ".lua"
        try folder.write("return {}", to: path)
        expectInvalid(folder, "the path is too long", file: path)
    }

    @Test(arguments: ["rules/heart.lua", "lib/text/fold.lua", "pack.yaml"])
    func `a link is refused, wherever it leads`(_ path: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("name: acme/photos\nversion: 1.0.0\n", to: "elsewhere/file")
        try folder.write("", to: path + "x")
        try folder.link(path, to: folder.url.appending(path: "elsewhere/file").path)
        expectInvalid(folder, "must be a plain file, not a link or a device", file: path)
    }

    @Test(arguments: ["rules", "lib"])
    func `rules and modules don't come from a linked folder`(_ part: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("return {}", to: "elsewhere/heart.lua")
        try folder.link(part, to: "elsewhere")
        expectInvalid(folder, "must be a folder of its own", file: part)
    }

    @Test func `a linked folder of modules is not entered`() throws {
        let folder = try TemporaryFolder()
        try folder.write("return {}", to: "elsewhere/fold.lua")
        try folder.write("return {}", to: "lib/topics.lua")
        try folder.link("lib/text", to: "../elsewhere")
        #expect(try PackFolder(folder.url).read().files.keys.sorted() == ["lib/topics.lua", "pack.yaml"])
    }

    @Test func `a link that leads nowhere or in a circle is refused`() throws {
        let folder = try TemporaryFolder()
        try folder.write("", to: "rules/x.txt")
        try folder.link("rules/heart.lua", to: "heart.lua")
        expectInvalid(folder, "must be a plain file, not a link or a device", file: "rules/heart.lua")
    }

    @Test func `the pack's own folder may be a link`() throws {
        let folder = try TemporaryFolder()
        try folder.write("return {}", to: "real/rules/heart.lua")
        try folder.link("current", to: "real")
        let pack = try PackFolder(folder.url.appending(path: "current", directoryHint: .isDirectory)).read()
        #expect(pack.files.keys.sorted() == ["pack.yaml", "rules/heart.lua"])
    }

    @Test func `a file that can't be read is unreadable`() throws {
        let folder = try TemporaryFolder()
        try folder.write("", to: "rules/heart.lua/inner.txt")
        // A folder with a rule's name is no rule, and no reason to fail.
        #expect(try PackFolder(folder.url).read().files.keys.sorted() == ["pack.yaml"])
    }

    @Test func `the folders watched are those that exist`() throws {
        let folder = try TemporaryFolder()
        func watched() -> [String] {
            PackFolder(folder.url).watchedFolders.map { $0.standardizedFileURL.path }.sorted()
        }
        let base = folder.url.standardizedFileURL.path
        expectNoDifference(watched(), [base])
        try folder.write("", to: "lib/text/deep/x.lua")
        try folder.write("", to: "rules/a.lua")
        expectNoDifference(
            watched(), [base, base + "/lib", base + "/lib/text", base + "/lib/text/deep", base + "/rules"])
    }

    @Test func `a missing folder is watched for from above`() throws {
        let folder = try TemporaryFolder()
        let missing = folder.url.appending(path: "a/b/c", directoryHint: .isDirectory)
        #expect(
            PackFolder(missing).watchedFolders.map(\.standardizedFileURL.path) == [folder.url.standardizedFileURL.path])
    }
}
