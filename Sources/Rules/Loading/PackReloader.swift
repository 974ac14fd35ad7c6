import DurableExecution
import Foundation
public import Logging
public import Packs
public import ServiceLifecycle

/// What became of a look at a pack's folder.
public enum ReloadOutcome: Sendable, Hashable {
    case activated(RulePack)
    case unchanged(RulePack)
    /// The pack named, if any, is in force as it was last good: in this process, or in one before.
    case broken(RuleProblems, stillActive: String?)
}

/// Keeps the rule book equal to a set of folders: a pack is read, checked and swapped in one step at each save.
public actor PackReloader: Service {
    /// How often packs that nothing needs any more are deleted.
    private static let upkeepInterval = Duration.seconds(3600)

    private let folders: [PackFolder]
    private let book: RuleBook
    private let loader: PackLoader
    private let report: @Sendable (PackFolder, ReloadOutcome) -> Void
    private let logger: Logger
    private var active: [PackFolder: RulePack] = [:]
    /// How often a folder was looked at, and the look whose outcome counted last: two looks may end in another order
    /// than they began.
    private var looks: [PackFolder: (begun: Int, ended: Int)] = [:]
    private var broken: [PackFolder: RuleProblems] = [:]
    /// Held while packs are put in force, which takes a write.
    private let lock = KeyedLock<Bool>()

    /// - Parameter report: Told of every outcome but ``ReloadOutcome/unchanged(_:)``; of that too where it mends a
    ///   broken save.
    public init(
        folders: [PackFolder], book: RuleBook, loader: PackLoader, logger: Logger = Logger(label: "tidewire.packs"),
        report: @escaping @Sendable (PackFolder, ReloadOutcome) -> Void
    ) {
        self.folders = folders
        self.book = book
        self.loader = loader
        self.logger = logger
        self.report = report
    }

    /// Follows the folders until cancelled or told to shut down.
    ///
    /// - Throws: ``PackError`` if the system grants no watch.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            let upkeep: @Sendable () async -> Void = { [book, logger] in
                await Self.maintain(book, logger)
            }
            group.addTask { await cancelWhenGracefulShutdown(upkeep) }
            for folder in folders { group.addTask { try await self.follow(folder) } }
            try await group.waitForAll()
        }
    }

    private static func maintain(_ book: RuleBook, _ logger: Logger) async {
        while !Task.isCancelled {
            do {
                let count = try await book.dropUnused()
                if count > 0 { logger.info("packs that nothing needs were deleted", metadata: ["count": "\(count)"]) }
            } catch {
                logger.warning("packs that nothing needs were not deleted", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: upkeepInterval)
        }
    }

    /// Looks at every folder now.
    @discardableResult
    public func reload() async -> [(folder: PackFolder, outcome: ReloadOutcome)] {
        var outcomes: [(folder: PackFolder, outcome: ReloadOutcome)] = []
        for folder in folders { outcomes.append((folder, await reload(folder))) }
        return outcomes
    }

    private func follow(_ folder: PackFolder) async throws {
        let watcher = try FolderWatcher { folder.watchedFolders }
        defer { watcher.close() }
        // What was saved between the first load and the watch.
        await reload(folder, isSave: false)
        for await _ in watcher.changes.cancelOnGracefulShutdown() { await reload(folder) }
    }

    /// - Parameter isSave: Whether somebody waits to hear what is wrong, though it is the same as before.
    @discardableResult
    private func reload(_ folder: PackFolder, isSave: Bool = true) async -> ReloadOutcome {
        let look = (looks[folder]?.begun ?? 0) + 1
        looks[folder, default: (0, 0)].begun = look
        let loaded: Result<RulePack, RuleProblems>
        do throws(RuleProblems) { loaded = .success(try await loader.load(folder)) } catch { loaded = .failure(error) }
        do {
            return try await lock.withLock(true) { await self.take(loaded, from: folder, look, isSave: isSave) }
        } catch {
            return .broken(RuleProblems([]), stillActive: active[folder]?.name)
        }
    }

    /// Puts what was read in force, or what was last good.
    private func take(
        _ loaded: Result<RulePack, RuleProblems>, from folder: PackFolder, _ look: Int, isSave: Bool
    ) async -> ReloadOutcome {
        let isOverdue = looks[folder].map { $0.ended > look } ?? false
        if isOverdue, let pack = active[folder] { return .unchanged(pack) }
        looks[folder]?.ended = look
        let outcome: ReloadOutcome
        do throws(RuleProblems) {
            outcome = try await activate(try loaded.get(), from: folder)
        } catch {
            if active[folder] == nil { await restore(folder) }
            outcome = .broken(error, stillActive: active[folder]?.name)
        }
        tell(outcome, of: folder, isSave: isSave)
        return outcome
    }

    /// Puts the pack in force that a process before had from the folder.
    private func restore(_ folder: PackFolder) async {
        do {
            guard let pack = try await book.lastPack(from: folder.key, loader: loader) else { return }
            _ = try await activate(pack, from: folder)
        } catch {
            logger.error(
                "the last good version of a pack can't be used",
                metadata: ["folder": "\(folder.url.path)", "error": "\(error)"])
        }
    }

    private func tell(_ outcome: ReloadOutcome, of folder: PackFolder, isSave: Bool) {
        switch outcome {
        case .broken(let problems, _):
            book.note(
                PackTrouble(
                    folder: folder.key, problems: problems, pack: active[folder]?.name,
                    version: active[folder]?.version),
                of: folder.key)
            let isKnown = broken.updateValue(problems, forKey: folder) == problems
            if isSave || !isKnown { report(folder, outcome) }
        case .activated:
            book.note(nil, of: folder.key)
            broken[folder] = nil
            report(folder, outcome)
        case .unchanged:
            book.note(nil, of: folder.key)
            if broken.removeValue(forKey: folder) != nil { report(folder, outcome) }
        }
    }

    private func activate(_ pack: RulePack, from folder: PackFolder) async throws(RuleProblems) -> ReloadOutcome {
        let former = active[folder]
        if former == pack { return .unchanged(pack) }
        if let other = active.first(where: { $0.key != folder && $0.value.name == pack.name }) {
            throw RuleProblems([
                RuleProblem(
                    file: PackManifest.fileName,
                    message: "the name \(pack.name) is taken by the pack in \(other.key.url.path)")
            ])
        }
        do {
            try await book.activate(pack, from: folder.key)
        } catch {
            throw RuleProblems([
                RuleProblem(
                    file: folder.url.path,
                    message: "the pack can't be kept: \((error as? EngineError)?.message ?? "\(error)")")
            ])
        }
        if let former, former.name != pack.name { book.deactivate(former.name) }
        active[folder] = pack
        return .activated(pack)
    }
}

extension PackFolder {
    /// What its pack's last good version, and events that wait for it, are kept by.
    public var key: String { url.standardizedFileURL.path }
}
