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

    /// Rules of a trigger in the order in which they start.
    private func names(_ book: RuleBook, _ trigger: ConversationEvent.Kind) -> [String] {
        book.index(for: trigger).entries.sorted { $0.rank < $1.rank }.map(\.rule.name)
    }

    @Test func `rules come by trigger, in the order of packs and names`() async throws {
        let book = RuleBook()
        try await book.activate(try await pack("acme/photos", ["b": "message", "a": "message", "r": "reaction"]))
        try await book.activate(try await pack("acme/orders", ["z": "message"]))
        #expect(
            names(book, .message) == ["acme/orders:z", "acme/photos:a", "acme/photos:b"])
        #expect(names(book, .reaction) == ["acme/photos:r"])
        #expect(names(book, .callEnded).isEmpty)
    }

    @Test func `a version that was replaced is still found`() async throws {
        let book = RuleBook()
        let old = try await pack("acme/photos", ["a": "message"])
        try await book.activate(old)
        try await book.activate(try await pack("acme/photos", ["b": "message"]))
        book.deactivate("acme/photos")
        #expect(try await book.pack(version: old.version, loader: loader) == old)
        #expect(names(book, .message).isEmpty)
    }

    @Test func `another process finds a version in the archive`() async throws {
        let bench = try await RuleBench()
        let engine = bench.makeEngine()
        let archive = PackArchive()
        archive.connect(engine)
        let pack = try await pack("acme/photos", ["a": "message"])
        try await RuleBook(archive: archive).activate(pack)
        #expect(try await RuleBook(archive: archive).pack(version: pack.version, loader: loader) == pack)
        #expect(try await RuleBook().pack(version: pack.version, loader: loader) == nil)
    }

    @Test func `whether a rule asks for the first message is known`() async throws {
        let book = RuleBook()
        try await book.activate(try await pack("acme/photos", ["a": "message"]))
        #expect(!book.asksForFirst)
        let asking = Pack(
            manifest: PackManifest(name: "acme/hello", version: "1.0.0"),
            files: [
                "rules/a.lua": Data("return { on = \"message\", when = { first = true }, run = function() end }".utf8)
            ])
        try await book.activate(try await loader.load(asking))
        #expect(book.asksForFirst)
    }
}
