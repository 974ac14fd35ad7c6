import CustomDump
import DurableExecution
import Foundation
import Packs
import Synchronization
import TestSupport
import Testing

@testable import Rules

@Suite(.timeLimit(.minutes(1))) struct PackReloaderTests {
    private final class Words: Sendable {
        private let words = Mutex<[String]>([])

        var all: [String] { words.withLock { $0 } }

        func append(_ text: String) { words.withLock { $0.append(text) } }
    }

    private let rule = "return { on = \"message\", run = function() end }"
    private let folder: TemporaryFolder
    private let book = RuleBook()
    private let told = Words()

    init() throws {
        folder = try TemporaryFolder()
        try folder.write("name: acme/photos\nversion: 1.0.0\n", to: "pack.yaml")
        try folder.write(rule, to: "rules/heart.lua")
    }

    private func reloader(_ folders: TemporaryFolder...) -> PackReloader {
        PackReloader(
            folders: folders.map { PackFolder($0.url) }, book: book, loader: PackLoader(),
            report: { [told] _, outcome in told.append(Self.words(outcome)) })
    }

    private static func words(_ outcome: ReloadOutcome) -> String {
        switch outcome {
        case .activated(let pack): "activated \(pack.name) \(pack.rules.map(\.name))"
        case .unchanged(let pack): "unchanged \(pack.name)"
        case .broken(let problems, let active): "broken \(problems), \(active ?? "nothing") stays"
        }
    }

    private var reports: [String] { told.all }
    private var active: [String] { book.activePacks.flatMap { $0.rules.map(\.name) } }

    @Test func `a save is activated, once`() async throws {
        let reloader = reloader(folder)
        await reloader.reload()
        await reloader.reload()
        try folder.write(rule, to: "rules/wave.lua")
        await reloader.reload()
        expectNoDifference(
            reports,
            [
                "activated acme/photos [\"acme/photos:heart\"]",
                "activated acme/photos [\"acme/photos:heart\", \"acme/photos:wave\"]",
            ])
    }

    @Test func `a broken save leaves the last good version running, and mending it is told`() async throws {
        let reloader = reloader(folder)
        await reloader.reload()
        try folder.write("return {", to: "rules/heart.lua")
        await reloader.reload()
        #expect(active == ["acme/photos:heart"])
        try folder.write(rule, to: "rules/heart.lua")
        await reloader.reload()
        await reloader.reload()
        #expect(reports.count == 3)
        #expect(reports[1].hasPrefix("broken photos/rules/heart.lua:1: "))
        #expect(reports[1].hasSuffix(", acme/photos stays"))
        #expect(reports[2] == "unchanged acme/photos")
    }

    @Test func `a pack that was never good is told, and nothing runs`() async throws {
        try folder.write("name: photos\n", to: "pack.yaml")
        await reloader(folder).reload()
        expectNoDifference(reports, ["broken pack.yaml:1: name must be org/pack in lower case, nothing stays"])
        #expect(active.isEmpty)
    }

    @Test func `a broken folder has the version in force that another process had last, and says what is wrong`()
        async throws
    {
        let bench = try await RuleBench()
        let engine = bench.makeEngine()
        let first = RuleBook(archive: PackArchive())
        first.connect(engine)
        await PackReloader(
            folders: [PackFolder(folder.url)], book: first, loader: PackLoader(), report: { _, _ in }
        ).reload()
        let version = try #require(first.activePacks.first?.version)

        try folder.write("return {", to: "rules/heart.lua")
        let second = RuleBook(archive: PackArchive())
        second.connect(engine)
        let reloader = PackReloader(
            folders: [PackFolder(folder.url)], book: second, loader: PackLoader(),
            report: { [told] _, outcome in told.append(Self.words(outcome)) })
        await reloader.reload()
        expectNoDifference(second.activePacks.map(\.version), [version])
        #expect(reports.last?.hasSuffix("acme/photos stays") == true)
        let trouble = try #require(second.troubles.first)
        expectNoDifference(trouble.version, version)
        expectNoDifference(second.missing.map(\.key), [])

        try folder.write(rule, to: "rules/heart.lua")
        await reloader.reload()
        expectNoDifference(reports.last, "unchanged acme/photos")
        #expect(second.troubles.isEmpty)
    }

    @Test func `a pack that was never good is missing until it is`() async throws {
        try folder.write("return {", to: "rules/heart.lua")
        let reloader = reloader(folder)
        await reloader.reload()
        expectNoDifference(book.missing.map(\.key), [PackFolder(folder.url).key])
        try folder.write(rule, to: "rules/heart.lua")
        await reloader.reload()
        expectNoDifference(book.missing.map(\.key), [])
    }

    @Test func `a folder that is gone leaves its pack in force`() async throws {
        let reloader = reloader(folder)
        await reloader.reload()
        try FileManager.default.removeItem(at: folder.url)
        await reloader.reload()
        #expect(active == ["acme/photos:heart"])
        #expect(reports.last?.hasPrefix("broken \(folder.url.path): there is no folder") == true)
    }

    @Test func `a deleted rule is out of force`() async throws {
        try folder.write(rule, to: "rules/wave.lua")
        let reloader = reloader(folder)
        await reloader.reload()
        try folder.remove("rules/heart.lua")
        await reloader.reload()
        #expect(active == ["acme/photos:wave"])
    }

    @Test func `a changed module is another version`() async throws {
        try folder.write("return 1", to: "lib/topics.lua")
        let reloader = reloader(folder)
        await reloader.reload()
        let before = book.activePacks.map(\.version)
        try folder.write("return 2", to: "lib/topics.lua")
        await reloader.reload()
        #expect(book.activePacks.map(\.version) != before)
    }

    @Test func `the second pack of a name is refused`() async throws {
        let other = try TemporaryFolder(named: "other")
        try other.write("name: acme/photos\nversion: 2.0.0\n", to: "pack.yaml")
        try other.write(rule, to: "rules/wave.lua")
        let reloader = reloader(folder, other)
        await reloader.reload()
        #expect(active == ["acme/photos:heart"])
        expectNoDifference(
            reports.last,
            "broken pack.yaml: the name acme/photos is taken by the pack in \(folder.url.path), nothing stays")
    }

    @Test func `a renamed pack leaves its old name free`() async throws {
        let other = try TemporaryFolder(named: "other")
        try other.write("name: acme/other\nversion: 2.0.0\n", to: "pack.yaml")
        let reloader = reloader(folder, other)
        await reloader.reload()
        try folder.write("name: acme/hearts\nversion: 1.0.0\n", to: "pack.yaml")
        try other.write("name: acme/photos\nversion: 2.0.0\n", to: "pack.yaml")
        await reloader.reload()
        #expect(book.activePacks.map(\.name) == ["acme/hearts", "acme/photos"])
        #expect(active == ["acme/hearts:heart"])
    }

    @Test func `a pack that can't be kept is not put in force`() async throws {
        // No engine is connected that could keep it.
        let book = RuleBook(archive: PackArchive())
        let reloader = PackReloader(
            folders: [PackFolder(folder.url)], book: book, loader: PackLoader(), report: { _, _ in })
        let outcomes = await reloader.reload()
        guard case .broken = try #require(outcomes.first).outcome else {
            Issue.record("\(outcomes)")
            return
        }
        #expect(book.activePacks.isEmpty)
    }

    @Test func `saves are followed while it runs`() async throws {
        let (reports, continuation) = AsyncStream.makeStream(of: [String].self)
        let reloader = PackReloader(
            folders: [PackFolder(folder.url)], book: book, loader: PackLoader(),
            report: { [book] _, _ in
                continuation.yield(book.activePacks.flatMap { $0.rules.map(\.name) })
            })
        let run = Task { try await reloader.run() }
        var seen = reports.makeAsyncIterator()
        #expect(await seen.next() == ["acme/photos:heart"])
        try folder.write(rule, to: "rules/wave.lua")
        #expect(await seen.next() == ["acme/photos:heart", "acme/photos:wave"])
        try folder.remove("rules/heart.lua")
        #expect(await seen.next() == ["acme/photos:wave"])
        run.cancel()
        _ = await run.result
    }
}
