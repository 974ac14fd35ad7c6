import Conversations
import CustomDump
import DurableExecution
import Foundation
import Packs
import TestSupport
import Testing

@testable import Rules

/// Events that come while a pack has no version in force.
@Suite(.timeLimit(.minutes(1))) struct MissingPackTests {
    @Test func `an event waits for the pack and the other packs have it at once, each once`() async throws {
        let bench = try await RuleBench(rules: ["a": "return { on = 'message', run = function() log.info('a') end }"])
        let other = try TemporaryFolder(named: "other")
        try other.write("name: acme/other\nversion: 1.0.0\n", to: "pack.yaml")
        try other.write("return {", to: "rules/b.lua")
        let reloader = PackReloader(
            folders: [PackFolder(other.url)], book: bench.book, loader: bench.loader, report: { _, _ in })
        let trace = try await bench.run { engine in
            await reloader.reload()
            let sequence = try await engine.accept([try ConversationEvent.message().new()])[0].sequence
            await engine.idle()
            let first = try await engine.trace(ofEvent: sequence)
            expectNoDifference(first.event.state, .held)
            #expect(first.event.note?.contains(other.url.path) == true)
            expectNoDifference(first.invocations.map(\.invocation.rule), ["acme/photos:a"])

            try other.write("return { on = 'message', run = function() log.info('b') end }", to: "rules/b.lua")
            await reloader.reload()
            try await engine.release(eventsFor: PackFolder(other.url).key)
            await engine.idle()
            return try await engine.trace(ofEvent: sequence)
        }
        expectNoDifference(trace.event.state, .done)
        expectNoDifference(trace.invocations.map(\.invocation.rule), ["acme/photos:a", "acme/other:b"])
        expectNoDifference(trace.invocations.map(\.logged), [["a"], ["b"]])
    }
}
