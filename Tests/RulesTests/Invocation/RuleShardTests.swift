import CustomDump
import DurableExecution
import Foundation
import Lua
import TestSupport
import Testing

@testable import Rules

/// Runs that rest on a shard.
@Suite(.timeLimit(.minutes(1))) struct RuleShardTests {
    private let pack: RulePack
    private let bench: RuleBench
    private let other: RulePack

    init() async throws {
        bench = try await RuleBench(rules: [
            "wait": "return { on = 'message', run = function() sleep(1) log.info('on') sleep(1) end }",
            "hold": "return { on = 'message', run = function() local s = ('x'):rep(3 << 20) sleep(1) return #s end }",
            "need": """
            return { on = 'message', run = function()
              local t = {} for i = 1, 30 do t[i] = ('y'):rep(100000) .. i end sleep(1)
            end }
            """, "spin": "return { on = 'message', run = function() while true do end end }",
        ])
        pack = try #require(bench.book.activePacks.first)
        try bench.folder.write("return {}", to: "lib/other.lua")
        try await bench.load()
        other = try #require(bench.book.activePacks.first)
    }

    private func shard(
        _ limits: RuleLimits = RuleLimits(cpu: .seconds(5), memoryBytes: 4 << 20), memory: RestingMemory? = nil
    ) -> RuleShard {
        RuleShard(name: "test", limits: limits, memory: memory ?? RestingMemory(limit: limits.keptMemoryBytes))
    }

    /// Begins a rule, and runs it through its pauses.
    private func begin(
        _ name: String, on shard: RuleShard, of pack: RulePack? = nil
    ) async throws -> (RuleShard.Handle, RuleShard.Step) {
        let pack = pack ?? self.pack
        let rule = try #require(pack.rules.first { $0.name == "acme/photos:\(name)" })
        var (handle, step) = try await shard.begin(
            rule, of: pack, argument: ConversationEvent.message().ruleArgument, seed: 1)
        while case .paused = step.step { step = await shard.resume(handle, .proceed) }
        return (handle, step)
    }

    /// Begins a rule and leaves it at its wait.
    private func rest(_ name: String, on shard: RuleShard, of pack: RulePack? = nil) async throws -> RuleShard.Handle {
        let (handle, step) = try await begin(name, on: shard, of: pack)
        guard case .command = step.step else { throw LuaError(code: .runtime, message: "it did not wait: \(step)") }
        #expect(await shard.rest(handle))
        return handle
    }

    @Test func `a run that rested goes on where it was`() async throws {
        let shard = shard()
        let handle = try await rest("wait", on: shard)
        #expect(await shard.wake(handle))
        let step = await shard.resume(handle, .values([.nil]))
        expectNoDifference(step.logs.map(\.message), ["on"])
        await shard.end(handle)
        #expect(await !shard.wake(handle))
        #expect(await !shard.rest(handle))
    }

    @Test func `a run that needs memory gets what those at rest hold`() async throws {
        let shard = shard()
        let resting = try await rest("hold", on: shard)
        let (_, step) = try await begin("need", on: shard)
        guard case .command = step.step else { return #expect(Bool(false), "\(step)") }
        #expect(await !shard.wake(resting))
    }

    @Test func `those that rest in a state of which a run was stopped are dropped`() async throws {
        let shard = shard(RuleLimits(cpu: .milliseconds(20)))
        let resting = try await rest("wait", on: shard)
        let (_, step) = try await begin("spin", on: shard)
        guard case .failed = step.step else { return #expect(Bool(false)) }
        #expect(await !shard.wake(resting))
    }

    @Test func `past what states may hold together no run rests`() async throws {
        let memory = RestingMemory(limit: 2 << 20)
        let first = shard(memory: memory)
        let second = shard(memory: memory)
        let small = try await rest("wait", on: first)
        let (large, _) = try await begin("hold", on: second)
        #expect(await !second.rest(large))
        #expect(await first.wake(small))
        #expect(!memory.isHeld)
    }

    @Test func `a state that grew too large gives up those that rest there`() async throws {
        let shard = shard(RuleLimits(cpu: .seconds(5), keptMemoryBytes: 2 << 20))
        let small = try await rest("wait", on: shard)
        let (large, _) = try await begin("hold", on: shard)
        #expect(await !shard.rest(large))
        #expect(await !shard.wake(small))
    }

    @Test func `packs that are out of force give way first`() async throws {
        let shard = shard(RuleLimits(cpu: .seconds(5), keptMemoryBytes: 4 << 20))
        await shard.retire(except: [other.version])
        let old = try await rest("hold", on: shard)
        let new = try await rest("hold", on: shard, of: other)
        #expect(await !shard.wake(old))
        #expect(await shard.wake(new))
    }

    @Test func `all that rest can be dropped for the process`() async throws {
        let memory = RestingMemory(limit: .max)
        let shard = shard(memory: memory)
        let handles = [try await rest("wait", on: shard), try await rest("wait", on: shard)]
        #expect(memory.isHeld)
        await shard.freeMemory()
        #expect(!memory.isHeld)
        for handle in handles { #expect(await !shard.wake(handle)) }
    }
}
