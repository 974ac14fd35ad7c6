import Foundation
import Packs
import TestSupport
import Testing

@testable import Rules

@Suite struct RuleBookTests {
    private let loader = PackLoader()

    private func pack(_ name: String, _ rules: [String: String]) async throws -> RulePack {
        let files = rules.map { name, trigger in
            ("rules/\(name).lua", Data("return { on = \"\(trigger)\", run = function() end }".utf8))
        }
        return try await loader.load(
            Pack(
                manifest: PackManifest(name: name, version: "1.0.0"),
                files: Dictionary(uniqueKeysWithValues: files)))
    }

    @Test func `rules come by trigger, in the order of packs and names`() async throws {
        let book = RuleBook()
        try book.activate(try await pack("acme/photos", ["b": "message", "a": "message", "r": "reaction"]))
        try book.activate(try await pack("acme/orders", ["z": "message"]))
        #expect(
            book.rules(for: .message).map(\.rule.name) == ["acme/orders:z", "acme/photos:a", "acme/photos:b"])
        #expect(book.rules(for: .reaction).map(\.rule.name) == ["acme/photos:r"])
        #expect(book.rules(for: .callEnded).isEmpty)
    }

    @Test func `a version that was replaced is still found`() async throws {
        let book = RuleBook()
        let old = try await pack("acme/photos", ["a": "message"])
        try book.activate(old)
        try book.activate(try await pack("acme/photos", ["b": "message"]))
        book.deactivate("acme/photos")
        #expect(try await book.pack(version: old.version, loader: loader) == old)
        #expect(book.rules(for: .message).isEmpty)
    }

    @Test func `another process finds a version in the archive`() async throws {
        let folder = try TemporaryFolder()
        let archive = PackArchive(directory: folder.url)
        let pack = try await pack("acme/photos", ["a": "message"])
        try RuleBook(archive: archive).activate(pack)
        #expect(try await RuleBook(archive: archive).pack(version: pack.version, loader: loader) == pack)
        #expect(try await RuleBook().pack(version: pack.version, loader: loader) == nil)
    }

    @Test func `whether a rule asks for the first message is known`() async throws {
        let book = RuleBook()
        try book.activate(try await pack("acme/photos", ["a": "message"]))
        #expect(!book.asksForFirst)
        let asking = Pack(
            manifest: PackManifest(name: "acme/hello", version: "1.0.0"),
            files: [
                "rules/a.lua": Data("return { on = \"message\", when = { first = true }, run = function() end }".utf8)
            ])
        try book.activate(try await loader.load(asking))
        #expect(book.asksForFirst)
    }
}
