import Foundation
public import Packs
public import ServiceLifecycle

/// What became of a look at a pack's folder.
public enum ReloadOutcome: Sendable, Hashable {
    case activated(RulePack)
    case unchanged(RulePack)
    /// The pack named, if any, is still in force as it was.
    case broken(RuleProblems, stillActive: String?)
}

/// Keeps the rule book equal to a set of folders: a pack is read, checked and swapped in one step at each save.
public actor PackReloader: Service {
    private let folders: [PackFolder]
    private let book: RuleBook
    private let loader: PackLoader
    private let report: @Sendable (PackFolder, ReloadOutcome) -> Void
    private var active: [PackFolder: RulePack] = [:]
    /// How often a folder was looked at, and the look whose outcome counted last: two looks may end in another order
    /// than they began.
    private var looks: [PackFolder: (begun: Int, ended: Int)] = [:]
    private var isBroken: Set<PackFolder> = []

    /// - Parameter report: Told of every outcome but ``ReloadOutcome/unchanged(_:)``; of that too where it mends a
    ///   broken save.
    public init(
        folders: [PackFolder], book: RuleBook, loader: PackLoader,
        report: @escaping @Sendable (PackFolder, ReloadOutcome) -> Void
    ) {
        self.folders = folders
        self.book = book
        self.loader = loader
        self.report = report
    }

    /// Follows the folders until cancelled or told to shut down.
    ///
    /// - Throws: ``PackError`` if the system grants no watch.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for folder in folders { group.addTask { try await self.follow(folder) } }
            try await group.waitForAll()
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
        await reload(folder)
        for await _ in watcher.changes.cancelOnGracefulShutdown() { await reload(folder) }
    }

    @discardableResult
    private func reload(_ folder: PackFolder) async -> ReloadOutcome {
        let look = (looks[folder]?.begun ?? 0) + 1
        looks[folder, default: (0, 0)].begun = look
        let loaded: Result<RulePack, RuleProblems>
        do throws(RuleProblems) { loaded = .success(try await loader.load(folder)) } catch { loaded = .failure(error) }
        let isOverdue = looks[folder].map { $0.ended > look } ?? false
        if isOverdue, let pack = active[folder] { return .unchanged(pack) }
        looks[folder]?.ended = look
        let outcome: ReloadOutcome
        do throws(RuleProblems) {
            outcome = try activate(try loaded.get(), from: folder)
        } catch {
            outcome = .broken(error, stillActive: active[folder]?.name)
        }
        tell(outcome, of: folder)
        return outcome
    }

    private func tell(_ outcome: ReloadOutcome, of folder: PackFolder) {
        switch outcome {
        case .broken:
            isBroken.insert(folder)
            report(folder, outcome)
        case .activated:
            isBroken.remove(folder)
            report(folder, outcome)
        case .unchanged:
            if isBroken.remove(folder) != nil { report(folder, outcome) }
        }
    }

    private func activate(_ pack: RulePack, from folder: PackFolder) throws(RuleProblems) -> ReloadOutcome {
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
            try book.activate(pack)
        } catch {
            throw RuleProblems([RuleProblem(error)])
        }
        if let former, former.name != pack.name { book.deactivate(former.name) }
        active[folder] = pack
        return .activated(pack)
    }
}
