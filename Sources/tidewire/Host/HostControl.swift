import DurableExecution
import Foundation
import Packs
import Rules

/// What people have a running host do, as the tool's commands name it.
struct HostControl: Sendable {
    let engine: Engine
    let rules: RuleHost
    let book: RuleBook

    // MARK: Pauses

    /// Stops a rule, a pack's rules, or what happens at a number.
    ///
    /// - Parameter word: `acme/photos:heart`, `acme/photos`, or `+15550100`.
    func pause(_ word: String, reason: String?) async throws -> PauseRecord {
        PauseRecord(try await engine.pause(try subject(word), reason: reason ?? "paused by hand"))
    }

    /// - Returns: How many runs go on.
    func resume(_ word: String) async throws -> Int {
        // What is no longer in force may still be paused.
        let known = engine.pauses.all.map(\.subject)
        let named = ["rule:", "pack:", "number:"].map { $0 + word }.first { known.contains($0) }
        let asked = try known.contains(word) ? word : named ?? subject(word)
        return try await engine.resume(asked)
    }

    private func subject(_ word: String) throws -> String {
        if word == PauseSubject.everything { return word }
        if word.hasPrefix("+") { return PauseSubject.number(word) }
        let packs = book.activePacks
        if packs.contains(where: { $0.name == word }) { return PauseSubject.pack(word) }
        let rules = packs.flatMap { $0.rules.map(\.name) }
        if rules.contains(word) { return PauseSubject.rule(word) }
        let names = rules + packs.map(\.name)
        throw CommandError(
            ExitStatus.usage,
            "no rule or pack in force is called \(word)\(NearestName.suggestion(for: word, among: names)); a number "
                + "begins with +")
    }

    // MARK: Runs and events

    /// Has a run go on where it stopped, on the version of its rule that is in force.
    ///
    /// - Parameter staysOnVersion: Whether it goes on with the version that it began with.
    func retry(_ id: String, staysOnVersion: Bool) async throws -> RunRecord {
        let version = staysOnVersion ? nil : try await activeVersion(of: id)
        return RunRecord(try await engine.retry(id, version: version), isDryHost: engine.isDryRun)
    }

    /// Runs a rule again from its beginning, on the version that is in force.
    func restart(_ id: String, repeating: Bool) async throws -> RunRecord {
        RunRecord(
            try await engine.restart(id, version: try await activeVersion(of: id), repeating: repeating),
            isDryHost: engine.isDryRun)
    }

    /// Decides about a command whose outcome is unknown.
    func resolve(_ id: String, _ finding: Engine.Finding) async throws -> RunRecord {
        let run =
            if case .sent = finding { try await rules.resolveAsSent(id) } else { try await engine.resolve(id, finding) }
        return RunRecord(run, isDryHost: engine.isDryRun)
    }

    /// Nil where the rule is not in force: then only the version that the run began with can go on.
    private func activeVersion(of id: String) async throws -> String? {
        guard let invocation = try await engine.invocation(id) else { return nil }
        return book.activePacks.first { pack in pack.rules.contains { $0.name == invocation.rule } }?.version
    }

    /// What stands still, and why.
    func standstill() async -> AdminStandstill {
        AdminStandstill(
            pauses: engine.pauses.all.map(PauseRecord.init), breakers: await engine.breakers.map(BreakerRecord.init),
            fuseStops: rules.fuseStops.map(FuseStopRecord.init))
    }
}
