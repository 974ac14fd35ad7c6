import DurableExecution
import Foundation
import TestSupport

/// A store whose writes can stand still before or after they took place.
struct StoppingStore: DurableStore {
    let base: any DurableStore
    let killSwitch: KillSwitch
    /// Called before each write, with its name.
    var before: @Sendable (String) async -> Void = { _ in }
    var conditions = StoreConditions()

    private func guarded<Value: Sendable>(
        _ name: String, _ action: @escaping @Sendable () async throws(EngineError) -> Value
    ) async throws(EngineError) -> Value {
        await before(name)
        try await pass("before \(name)")
        let value = try await reading(name, action)
        try await pass("after \(name)")
        return value
    }

    /// What needs no guard, since it leaves nothing behind.
    private func reading<Value: Sendable>(
        _ name: String, _ action: @escaping @Sendable () async throws(EngineError) -> Value
    ) async throws(EngineError) -> Value {
        if let failure = conditions.fails(name) { throw failure }
        guard let executor = conditions.executor else { return try await action() }
        return try await executor.outside(action)
    }

    private func pass(_ point: String) async throws(EngineError) {
        do { try await killSwitch.pass(point) } catch { throw EngineError(.superseded, "killed") }
    }

    func takeOver() async throws(EngineError) -> Epoch {
        try await guarded("takeOver") { () async throws(EngineError) in try await base.takeOver() }
    }

    func accept(_ events: [NewEvent], at time: Date, epoch: Epoch) async throws(EngineError) -> [Acceptance] {
        try await guarded("accept") { () async throws(EngineError) in
            try await base.accept(events, at: time, epoch: epoch)
        }
    }

    func claim(
        _ identity: String, for event: Int64, at time: Date, epoch: Epoch
    ) async throws(EngineError) -> ClaimResult {
        try await guarded("claim") { () async throws(EngineError) in
            try await base.claim(identity, for: event, at: time, epoch: epoch)
        }
    }

    func write(_ changes: [Change], epoch: Epoch) async throws(EngineError) {
        try await guarded("write") { () async throws(EngineError) in try await base.write(changes, epoch: epoch) }
    }

    func perform(
        _ operation: StoreOperation, quota: StoreQuota?, entry: JournalEntry, changes: [Change], at time: Date,
        epoch: Epoch
    ) async throws(EngineError) -> JournalEntry {
        try await guarded("store") { () async throws(EngineError) in
            try await base.perform(operation, quota: quota, entry: entry, changes: changes, at: time, epoch: epoch)
        }
    }

    func recover(at time: Date, epoch: Epoch) async throws(EngineError) {
        try await guarded("recover") { () async throws(EngineError) in
            try await base.recover(at: time, epoch: epoch)
        }
    }

    func takeDue(at time: Date, limit: Int, epoch: Epoch) async throws(EngineError) -> DueInvocations {
        try await guarded("takeDue") { () async throws(EngineError) in
            try await base.takeDue(at: time, limit: limit, epoch: epoch)
        }
    }

    func prune(_ pruning: Pruning, epoch: Epoch) async throws(EngineError) -> Int {
        let pruning = conditions.altered(pruning)
        return try await guarded("prune") { () async throws(EngineError) in
            try await base.prune(pruning, epoch: epoch)
        }
    }

    func release(_ key: String, at time: Date, limit: Int, epoch: Epoch) async throws(EngineError) -> Int {
        try await guarded("release") { () async throws(EngineError) in
            try await base.release(key, at: time, limit: limit, epoch: epoch)
        }
    }

    func forget(_ forgetting: Forgetting, epoch: Epoch) async throws(EngineError) -> Forgotten {
        try await guarded("forget") { () async throws(EngineError) in
            try await base.forget(forgetting, epoch: epoch)
        }
    }

    func noteCrashes(
        _ notes: [CrashNote], limit: Int, at time: Date, epoch: Epoch,
        pausing: @escaping @Sendable (_ rule: String) -> String?
    ) async throws(EngineError) -> [Quarantined] {
        try await guarded("noteCrashes") { () async throws(EngineError) in
            try await base.noteCrashes(notes, limit: limit, at: time, epoch: epoch, pausing: pausing)
        }
    }

    func lookAgain(dry isDry: Bool, at time: Date, epoch: Epoch) async throws(EngineError) {
        try await reading("lookAgain") { () async throws(EngineError) in
            try await base.lookAgain(dry: isDry, at: time, epoch: epoch)
        }
    }

    func keep(_ version: String, content: Data, at time: Date, epoch: Epoch) async throws(EngineError) {
        try await guarded("keep") { () async throws(EngineError) in
            try await base.keep(version, content: content, at: time, epoch: epoch)
        }
    }

    func dropVersions(
        keptBefore time: Date, except others: Set<String>, epoch: Epoch
    ) async throws(EngineError) -> Int {
        try await reading("dropVersions") { () async throws(EngineError) in
            try await base.dropVersions(keptBefore: time, except: others, epoch: epoch)
        }
    }

    func takeUpHeld(_ key: String, event: Int64?, limit: Int, epoch: Epoch) async throws(EngineError) -> [Event] {
        try await guarded("takeUpHeld") { () async throws(EngineError) in
            try await base.takeUpHeld(key, event: event, limit: limit, epoch: epoch)
        }
    }

    func expireHeld(before time: Date, note: String, limit: Int, epoch: Epoch) async throws(EngineError) -> Int {
        try await reading("expireHeld") { () async throws(EngineError) in
            try await base.expireHeld(before: time, note: note, limit: limit, epoch: epoch)
        }
    }

    func journal(
        of invocation: String, from position: Int, byteLimit: Int
    ) async throws(EngineError) -> [JournalEntry] {
        try await reading("journal") { () async throws(EngineError) in
            try await base.journal(of: invocation, from: position, byteLimit: byteLimit)
        }
    }

    func content(ofVersion version: String) async throws(EngineError) -> Data? {
        try await reading("content") { () async throws(EngineError) in
            try await base.content(ofVersion: version)
        }
    }

    func awaited(in queue: String?, before sequence: Int64?) async throws(EngineError) -> Set<String> {
        try await reading("awaited") { () async throws(EngineError) in
            try await base.awaited(in: queue, before: sequence)
        }
    }

    func arrange(_ sequences: [Int64], epoch: Epoch) async throws(EngineError) -> [Event] {
        try await guarded("arrange") { () async throws(EngineError) in
            try await base.arrange(sequences, epoch: epoch)
        }
    }

    func makeScratch(after sequence: Int64) throws(EngineError) -> any DurableStore {
        try base.makeScratch(after: sequence)
    }

    func producer(of identity: String) async throws(EngineError) -> String? {
        try await reading("producer") { () async throws(EngineError) in
            try await base.producer(of: identity)
        }
    }

    func tidy() async throws(EngineError) {
        try await guarded("tidy") { () async throws(EngineError) in try await base.tidy() }
    }

    func scrub(isThorough: Bool, epoch: Epoch) async throws(EngineError) -> Remnants {
        if conditions.fault == .scrubsForEver { await Task.never() }
        return try await reading("scrub") { () async throws(EngineError) in
            try await base.scrub(isThorough: isThorough, epoch: epoch)
        }
    }

    func queues(of key: String) async throws(EngineError) -> [String] {
        try await reading("queues") { () async throws(EngineError) in
            try await base.queues(of: key)
        }
    }

    func lastWithoutKeys() async throws(EngineError) -> Int64 {
        try await reading("lastWithoutKeys") { () async throws(EngineError) in
            try await base.lastWithoutKeys()
        }
    }

    func pauses() async throws(EngineError) -> [Pause] {
        try await reading("pauses") { () async throws(EngineError) in try await base.pauses() }
    }

    func endlessHolds() async throws(EngineError) -> [String] {
        try await reading("endlessHolds") { () async throws(EngineError) in try await base.endlessHolds() }
    }

    func suspects() async throws(EngineError) -> [Int64] {
        try await reading("suspects") { () async throws(EngineError) in try await base.suspects() }
    }

    func size() async throws(EngineError) -> Int {
        try await reading("size") { () async throws(EngineError) in try await base.size() }
    }

    func setCursor(_ name: String, to value: String?, epoch: Epoch) async throws(EngineError) {
        guard conditions.fault != .losesCursor else { return }
        try await guarded("setCursor") { () async throws(EngineError) in
            try await base.setCursor(name, to: value, epoch: epoch)
        }
    }

    func cursor(_ name: String) async throws(EngineError) -> String? {
        try await reading("cursor") { () async throws(EngineError) in try await base.cursor(name) }
    }

    func value(scope: String, key: String, at time: Date) async throws(EngineError) -> Data? {
        try await reading("value") { () async throws(EngineError) in
            try await base.value(scope: scope, key: key, at: time)
        }
    }

    func facts(scope: String) async throws(EngineError) -> [Fact] {
        try await reading("facts") { () async throws(EngineError) in
            try await base.facts(scope: scope)
        }
    }

    func event(_ sequence: Int64) async throws(EngineError) -> Event? {
        do throws(EngineError) {
            return try await reading("event") { () async throws(EngineError) in try await base.event(sequence) }
        } catch {
            guard conditions.fault == .failedReadFindsNothing, error.code == .unavailable else { throw error }
            return nil
        }
    }

    func event(identity: String) async throws(EngineError) -> Int64? {
        try await reading("event") { () async throws(EngineError) in try await base.event(identity: identity) }
    }

    func openEvents(
        after sequence: Int64, through last: Int64, queue: String?, limit: Int
    ) async throws(EngineError) -> [Event] {
        let events = try await reading("openEvents") { () async throws(EngineError) in
            try await base.openEvents(after: sequence, through: last, queue: queue, limit: limit)
        }
        return conditions.altered(events, isRefill: queue != nil)
    }

    func starts(of event: Int64) async throws(EngineError) -> [Invocation]? {
        try await reading("starts") { () async throws(EngineError) in try await base.starts(of: event) }
    }

    func deliveries(of event: Int64) async throws(EngineError) -> [Invocation] {
        try await reading("deliveries") { () async throws(EngineError) in
            try await base.deliveries(of: event)
        }
    }

    func journal(of invocation: String, from position: Int) async throws(EngineError) -> [JournalEntry] {
        let entries = try await reading("journal") { () async throws(EngineError) in
            try await base.journal(of: invocation, from: position)
        }
        return entries.map(conditions.altered)
    }

    func waits(on queue: String) async throws(EngineError) -> WaitList {
        try await reading("waits") { () async throws(EngineError) in try await base.waits(on: queue) }
    }

    func inboxPlace(of invocation: Invocation, in queue: String) async throws(EngineError) -> Int64 {
        try await reading("inboxPlace") { () async throws(EngineError) in
            try await base.inboxPlace(of: invocation, in: queue)
        }
    }

    func countWaits(
        on queue: String, rule: String, besides invocation: String, limit: Int
    ) async throws(EngineError) -> Int {
        try await reading("countWaits") { () async throws(EngineError) in
            try await base.countWaits(on: queue, rule: rule, besides: invocation, limit: limit)
        }
    }

    func earliestPending(in queue: String) async throws(EngineError) -> Date? {
        try await reading("earliestPending") { () async throws(EngineError) in
            try await base.earliestPending(in: queue)
        }
    }

    func passedEvents(after sequence: Int64, queue: String, limit: Int) async throws(EngineError) -> [Event] {
        try await reading("passedEvents") { () async throws(EngineError) in
            try await base.passedEvents(after: sequence, queue: queue, limit: limit)
        }
    }

    func hasPending(after sequence: Int64, queue: String, by deadline: Date) async throws(EngineError) -> Bool {
        guard conditions.fault != .pendingForEver else { return true }
        return try await reading("hasPending") { () async throws(EngineError) in
            try await base.hasPending(after: sequence, queue: queue, by: deadline)
        }
    }

    func events(_ filter: EventFilter) async throws(EngineError) -> [Event] {
        try await reading("events") { () async throws(EngineError) in try await base.events(filter) }
    }

    func invocation(_ id: String) async throws(EngineError) -> Invocation? {
        try await reading("invocation") { () async throws(EngineError) in try await base.invocation(id) }
    }

    func invocations(_ filter: InvocationFilter) async throws(EngineError) -> [Invocation] {
        guard !conditions.overlooks(filter) else { return [] }
        return try await reading("invocations") { () async throws(EngineError) in try await base.invocations(filter) }
    }

    func refusals(of event: Int64) async throws(EngineError) -> [Refusal] {
        try await reading("refusals") { () async throws(EngineError) in try await base.refusals(of: event) }
    }

    func logs(of invocation: String) async throws(EngineError) -> [RecordedLog] {
        try await reading("logs") { () async throws(EngineError) in try await base.logs(of: invocation) }
    }
}
