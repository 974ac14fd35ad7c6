import DurableExecution
import Foundation
import Lua

/// One thread with its own Lua states, one per pack version, made when first needed.
///
/// Conversations are dealt out to shards, so that nothing in a state is ever shared or locked.
actor RuleShard: LuaThreadActor {
    typealias Handle = Int

    /// What came of letting a script run to its next stop.
    struct Step: Sendable {
        var logs: [LogLine]
        var step: LuaStep
    }

    private final class PackState {
        let lua: LuaState
        let log: LogBuffer
        var invocations = 0

        init(_ pack: RulePack, _ limits: LuaLimits) throws {
            log = LogBuffer()
            lua = try LuaState(RuleEnvironment.make(for: pack.pack, log: log, limits: limits))
        }
    }

    private struct Running {
        var invocation: LuaInvocation
        var version: String
        /// Not looked up by the version: a state that broke is replaced while others still run in it.
        var state: PackState
    }

    nonisolated let luaThread: LuaThread
    private let limits: LuaLimits
    private var states: [String: PackState] = [:]
    private var running: [Handle: Running] = [:]
    private var lastHandle = 0
    /// Without any pack, for the patterns of waits.
    private var patternState: LuaState?
    /// Versions in force; others' states go once nothing runs in them.
    private var current: Set<String> = []

    init(name: String, limits: LuaLimits = LuaLimits()) {
        self.limits = limits
        luaThread = LuaThread(name: name)
    }

    deinit {
        luaThread.shutdown()
    }

    /// Starts a rule and lets it run to its first command or its end.
    ///
    /// - Throws: ``LuaError`` if the rule's file can't be run, ``PackError`` if it can't be read.
    func begin(_ rule: Rule, of pack: RulePack, argument: LuaValue, seed: UInt64) throws -> (Handle, Step) {
        let state = try state(for: pack)
        let invocation = try state.lua.start(
            pack.source(of: rule.path), field: "run", arguments: [argument], seed: seed)
        lastHandle += 1
        running[lastHandle] = Running(invocation: invocation, version: pack.version, state: state)
        state.invocations += 1
        return (lastHandle, resume(lastHandle, .begin))
    }

    /// Lets a script run on to its next command or its end.
    func resume(_ handle: Handle, _ input: LuaInput) -> Step {
        guard let script = running[handle] else { return Step(logs: [], step: .finished([])) }
        _ = script.state.log.drain()
        let step = script.invocation.resume(input)
        return Step(logs: script.state.log.drain(), step: step)
    }

    /// Forgets a script, wherever it stands.
    func end(_ handle: Handle) {
        guard let script = running.removeValue(forKey: handle) else { return }
        script.invocation.cancel()
        script.state.invocations -= 1
        guard script.state.invocations == 0, !current.contains(script.version),
            states[script.version] === script.state
        else { return }
        states[script.version] = nil
    }

    /// Why the part of a filter that Lua judges turns an event away; nil if it lets it pass.
    func refusal(of event: ConversationEvent, by rule: Rule, of pack: RulePack) -> String? {
        do {
            let state = try state(for: pack)
            if let patterns = rule.filter.patterns {
                let text = event.text
                let found = try patterns.contains { try PatternMatching.matches($0, text, with: state.lua) }
                guard found else { return "the text matches none of: \(patterns.sorted().joined(separator: ", "))" }
            }
            guard rule.hasMatches else { return nil }
            return try refusalByFunction(event, rule, pack, state)
        } catch let error as LuaError {
            return "matches failed: \(error.message)"
        } catch {
            return "matches failed: \(error)"
        }
    }

    private func refusalByFunction(
        _ event: ConversationEvent, _ rule: Rule, _ pack: RulePack, _ state: PackState
    ) throws -> String? {
        let call = try state.lua.start(
            pack.source(of: rule.path), field: "matches", arguments: [event.ruleArgument])
        switch call.resumeThroughPauses(.begin) {
        case .finished(let values):
            switch values.first {
            case nil, .nil, .boolean(false): return "matches said no"
            default: return nil
            }
        case .failed(let error):
            return "matches failed: \(error.message)"
        case .command(let command):
            call.cancel()
            return "matches failed: it may only look, but it called \(command.name); do that in run"
        case .paused:
            call.cancel()
            return "matches failed: it never ended"
        }
    }

    /// Whether a text matches one of the patterns.
    ///
    /// - Throws: ``LuaError`` for a pattern that is malformed or takes too long.
    func matches(_ patterns: [String], _ text: String) throws -> Bool {
        let state = try patternState ?? LuaState(LuaEnvironment(limits: limits))
        patternState = state.isBroken ? nil : state
        return try patterns.contains { try PatternMatching.matches($0, text, with: state) }
    }

    /// Says which versions are in force, so that others' states can go.
    func retire(except versions: Set<String>) {
        current = versions
        states = states.filter { versions.contains($0.key) || $0.value.invocations > 0 }
    }

    private func state(for pack: RulePack) throws -> PackState {
        if let state = states[pack.version], !state.lua.isBroken { return state }
        let state = try PackState(pack, limits)
        states[pack.version] = state
        return state
    }
}

/// The shards of a host.
struct ShardPool: Sendable {
    private let shards: [RuleShard]

    /// - Parameter count: At least 1.
    init(count: Int, limits: LuaLimits = LuaLimits()) {
        shards = (0..<max(1, count)).map { RuleShard(name: "rules-\($0)", limits: limits) }
    }

    /// The shard of a conversation: the same one as long as the process runs.
    func shard(for conversation: String) -> RuleShard {
        shards[Int(UInt(bitPattern: conversation.hashValue) % UInt(shards.count))]
    }

    func retire(except versions: Set<String>) async {
        for shard in shards { await shard.retire(except: versions) }
    }
}
