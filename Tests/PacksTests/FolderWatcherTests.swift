import CustomDump
import Foundation
import Packs
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct FolderWatcherTests {
    /// Watches a folder while `body` runs.
    private func watching(
        _ folder: TemporaryFolder, _ body: (inout AsyncStream<Void>.Iterator) async throws -> Void
    ) async throws {
        let pack = PackFolder(folder.url)
        let watcher = try FolderWatcher { pack.watchedFolders }
        var changes = watcher.changes.makeAsyncIterator()
        try await body(&changes)
        watcher.close()
        while await changes.next() != nil {}
    }

    @Test func `a file that was written is told`() async throws {
        let folder = try TemporaryFolder()
        try folder.write("1", to: "rules/heart.lua")
        try await watching(folder) { changes in
            try folder.write("2", to: "rules/heart.lua")
            #expect(await changes.next() != nil)
        }
    }

    @Test func `a file moved into place is told`() async throws {
        let folder = try TemporaryFolder()
        try folder.write("1", to: "rules/heart.lua")
        try folder.write("2", to: "elsewhere/heart.lua")
        try await watching(folder) { changes in
            try folder.remove("rules/heart.lua")
            #expect(await changes.next() != nil)
            try FileManager.default.moveItem(
                at: folder.url.appending(path: "elsewhere/heart.lua"),
                to: folder.url.appending(path: "rules/heart.lua"))
            #expect(await changes.next() != nil)
        }
    }

    @Test func `a folder made later is watched too`() async throws {
        let folder = try TemporaryFolder()
        try folder.write("1", to: "lib/topics.lua")
        try await watching(folder) { changes in
            try folder.write("1", to: "lib/text/fold.lua")
            #expect(await changes.next() != nil)
            try folder.write("2", to: "lib/text/fold.lua")
            #expect(await changes.next() != nil)
        }
    }

    @Test func `a folder that was deleted and comes back is watched again`() async throws {
        let folder = try TemporaryFolder()
        try folder.write("1", to: "rules/heart.lua")
        try await watching(folder) { changes in
            try FileManager.default.removeItem(at: folder.url)
            #expect(await changes.next() != nil)
            try folder.write("2", to: "rules/heart.lua")
            #expect(await changes.next() != nil)
            try folder.write("3", to: "rules/heart.lua")
            #expect(await changes.next() != nil)
        }
    }

    @Test func `a half-written file is not told until it is closed`() async throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "heart.lua")
        try folder.write("first", to: "heart.lua")
        // The folders are asked for at each report, so this sees what a reader of the pack would see then.
        let seen = Mutex<[String]>([])
        let watcher = try FolderWatcher { [url = folder.url] in
            let text = try? String(contentsOf: file, encoding: .utf8)
            seen.withLock { $0.append(text ?? "nothing") }
            return [url]
        }
        let writer = try FileHandle(forWritingTo: file)
        try writer.write(contentsOf: Data("half".utf8))
        try await letOthersBeTold(times: 3)
        try writer.write(contentsOf: Data(" and whole".utf8))
        try writer.close()
        var changes = watcher.changes.makeAsyncIterator()
        #expect(await changes.next() != nil)
        expectNoDifference(seen.withLock { $0 }, ["first", "half and whole"])
    }

    /// Returns after changes elsewhere were noticed, waited out and told: by then, one here would have been as well.
    private func letOthersBeTold(times: Int) async throws {
        let other = try TemporaryFolder()
        let watcher = try FolderWatcher { [other.url] }
        var changes = watcher.changes.makeAsyncIterator()
        for time in 0..<times {
            try other.write("\(time)", to: "x.lua")
            _ = await changes.next()
        }
    }

    @Test func `changes close to each other are told once`() async throws {
        let folder = try TemporaryFolder()
        try folder.write("0", to: "rules/heart.lua")
        let pack = PackFolder(folder.url)
        let watcher = try FolderWatcher { pack.watchedFolders }
        for index in 0..<50 { try folder.write("\(index)", to: "rules/heart.lua") }
        var changes = watcher.changes.makeAsyncIterator()
        #expect(await changes.next() != nil)
        watcher.close()
        var further = 0
        while await changes.next() != nil { further += 1 }
        #expect(further <= 1)
    }

    @Test func `closing ends the changes, any number of times`() async throws {
        let folder = try TemporaryFolder()
        for _ in 0..<50 {
            let watcher = try FolderWatcher { [folder.url] }
            watcher.close()
            var changes = watcher.changes.makeAsyncIterator()
            while await changes.next() != nil {}
            watcher.close()
            watcher.close()
        }
    }

    @Test func `a watcher that is let go ends its changes`() async throws {
        let folder = try TemporaryFolder()
        var watcher: FolderWatcher? = try FolderWatcher { [folder.url] }
        let changes = try #require(watcher?.changes)
        watcher = nil
        for await _ in changes {}
    }
}
