import CustomDump
import Foundation
import Packs
import TestSupport
import Testing

@testable import Rules

@Suite struct PackArchiveTests {
    private let folder: TemporaryFolder
    private let archive: PackArchive
    private let pack = Pack(
        manifest: PackManifest(name: "acme/photos", version: "1.0.0"),
        files: ["rules/a.lua": Data("return {}".utf8)])

    init() throws {
        folder = try TemporaryFolder()
        archive = PackArchive(directory: folder.url.appending(path: "packs"))
    }

    private var file: URL { folder.url.appending(path: "packs/\(pack.digest).tar") }

    @Test func `a kept pack is found by its digest`() throws {
        #expect(try archive.pack(digest: pack.digest) == nil)
        try archive.keep(pack)
        expectNoDifference(try archive.pack(digest: pack.digest), pack)
    }

    @Test func `the folder is its owner's alone`() throws {
        try archive.keep(pack)
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.url.appending(path: "packs").path)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o700)
    }

    @Test func `a file that was changed is corrupted`() throws {
        try archive.keep(pack)
        let other = Pack(manifest: pack.manifest, files: ["rules/a.lua": Data("return { }".utf8)])
        try other.archive.write(to: file)
        let error = #expect(throws: PackError.self) { try archive.pack(digest: pack.digest) }
        #expect(error?.code == .corrupted)
    }

    @Test func `keeping a pack again mends its file`() throws {
        try archive.keep(pack)
        try Data().write(to: file)
        try archive.keep(pack)
        expectNoDifference(try archive.pack(digest: pack.digest), pack)
    }

    @Test(arguments: ["", "../../etc/passwd", "0123/../../x"])
    func `what is no digest finds nothing`(_ digest: String) throws {
        #expect(try archive.pack(digest: digest) == nil)
    }

    @Test func `a folder that can't be made is an error`() throws {
        try folder.write("in the way", to: "file")
        let archive = PackArchive(directory: folder.url.appending(path: "file/packs"))
        let error = #expect(throws: PackError.self) { try archive.keep(pack) }
        #expect(error?.code == .unreadable)
    }
}
