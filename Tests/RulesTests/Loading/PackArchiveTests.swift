import CustomDump
import DurableExecution
import Foundation
import Packs
import TestSupport
import Testing

@testable import Rules

@Suite(.timeLimit(.minutes(1))) struct PackArchiveTests {
    private let folder: TemporaryFolder
    private let engine: Engine
    private let archive = PackArchive()
    private let pack = Self.pack("return {}")

    init() throws {
        folder = try TemporaryFolder()
        engine = Engine(store: try SQLiteStore.inMemory(), handler: Nobody())
        archive.connect(engine)
    }

    private static func pack(_ text: String, name: String = "acme/photos") -> Pack {
        Pack(manifest: PackManifest(name: name, version: "1.0.0"), files: ["rules/a.lua": Data(text.utf8)])
    }

    /// Saves a pack as versions before did.
    private func write(_ pack: Pack, as name: String? = nil) throws {
        let packs = folder.url.appending(path: "packs")
        try FileManager.default.createDirectory(at: packs, withIntermediateDirectories: true)
        try pack.archive.write(to: packs.appending(path: name ?? pack.digest + ".tar"))
    }

    private var left: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder.url.appending(path: "packs").path)) ?? []
    }

    @Test func `a kept pack is found by its digest`() async throws {
        #expect(try await archive.pack(digest: pack.digest) == nil)
        try await archive.keep(pack)
        #expect(try await archive.pack(digest: pack.digest) == pack)
    }

    @Test func `content that was changed is corrupted, and keeping the pack again mends it`() async throws {
        try await engine.keep(pack.digest, content: Self.pack("return { }").archive)
        let error = await #expect(throws: PackError.self) { try await archive.pack(digest: pack.digest) }
        #expect(error?.code == .corrupted)
        try await archive.keep(pack)
        #expect(try await archive.pack(digest: pack.digest) == pack)
    }

    @Test func `that the store can't be read is told from a pack that was never kept`() async throws {
        let error = await #expect(throws: EngineError.self) { try await PackArchive().pack(digest: pack.digest) }
        #expect(error?.code == .unavailable)
    }

    @Test func `the last pack of a folder is found by another process, and all names`() async throws {
        let next = Self.pack("return 1")
        for pack in [pack, next] {
            try await archive.keep(pack)
            try await archive.note(pack, inForceFor: "/a")
        }
        let other = PackArchive()
        other.connect(engine)
        #expect(try await other.lastPack(for: "/a") == next)
        #expect(try await other.lastPack(for: "/b") == nil)
        #expect(try await other.names() == ["acme/photos"])
    }

    @Test func `what is neither last, nor named, nor young is deleted`() async throws {
        let (last, named) = (Self.pack("return 1"), Self.pack("return 2"))
        for pack in [pack, last, named] { try await archive.keep(pack) }
        try await archive.note(last, inForceFor: "/a")
        #expect(try await archive.dropUnused(except: [named.digest], olderThan: .seconds(3600)) == 0)
        #expect(try await archive.dropUnused(except: [named.digest], olderThan: .seconds(-1)) == 1)
        #expect(try await archive.pack(digest: pack.digest) == nil)
        #expect(try await archive.pack(digest: last.digest) == last)
    }

    @Test func `packs that were kept as files are taken over once, and their folder goes`() async throws {
        try write(pack)
        try write(Self.pack("return 1"))
        #expect(try await archive.importPacks(from: folder.url.appending(path: "packs")) == PackImport(imported: 2))
        #expect(try await archive.pack(digest: pack.digest) == pack)
        #expect(!FileManager.default.fileExists(atPath: folder.url.appending(path: "packs").path))
        #expect(try await archive.importPacks(from: folder.url.appending(path: "packs")) == PackImport())
    }

    @Test func `a file that is damaged is left, and said`() async throws {
        let damaged = String(repeating: "0", count: 64) + ".tar"
        try write(pack, as: damaged)
        let result = try await archive.importPacks(from: folder.url.appending(path: "packs"))
        expectNoDifference(result.imported, 0)
        #expect(result.left.first?.contains(damaged) == true)
        expectNoDifference(left, [damaged])
    }
}

/// The handler of an engine that only keeps things.
private struct Nobody: EventHandler {
    private static let idle = EngineFailure("this engine runs nothing", retryable: false)

    func prepare(_ event: Event, claims: any IdentityClaims) async throws -> Preparation { throw Self.idle }
    func match(_ event: Event) async throws -> Matching { throw Self.idle }
    func program(for invocation: Invocation, event: Event) async throws -> any Program { throw Self.idle }
    func perform(_ command: Command, in context: CommandContext) async throws -> Data { throw Self.idle }
}
