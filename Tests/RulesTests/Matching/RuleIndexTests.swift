import Conversations
import CustomDump
import DurableExecution
import Foundation
import Packs
import TestSupport
import Testing

@testable import Rules

@Suite(.timeLimit(.minutes(1))) struct RuleIndexTests {
    private static let words = ["order", "refund", "give back", "straße", "❤️", "STOP", "cat dog", "dog"]

    /// A filter made of a few of the conditions that there are.
    private static func filter(_ random: inout SeededGenerator) -> Filter {
        var filter = Filter()
        if Int.random(in: 0..<4, using: &random) == 0 { filter.direction = [.outbound] }
        if Int.random(in: 0..<3, using: &random) == 0 {
            filter.channel = [[.sms], [.imessage]].randomElement(using: &random)
        }
        if Int.random(in: 0..<4, using: &random) == 0 {
            filter.media = [.any, .none, .kinds([.image]), .kinds([.video, .image])].randomElement(using: &random)
        }
        if Int.random(in: 0..<4, using: &random) == 0 {
            filter.from = ["+1555\(Int.random(in: 0..<3, using: &random))"]
        }
        if Int.random(in: 0..<2, using: &random) == 0 {
            filter.body = Filter.Words((0..<2).compactMap { _ in words.randomElement(using: &random) })
        }
        if Int.random(in: 0..<4, using: &random) == 0 { filter.first = Bool.random(using: &random) }
        if Int.random(in: 0..<4, using: &random) == 0 { filter.metadata = ["topic": ["a", .null], "n": [1]] }
        return filter
    }

    private static func event(_ random: inout SeededGenerator) -> ConversationEvent {
        var event = ConversationEvent.message(
            (0..<3).compactMap { _ in (words + ["x"]).randomElement(using: &random) }.joined(separator: " "),
            channel: [.sms, .imessage, nil].randomElement(using: &random) ?? nil,
            media: Bool.random(using: &random) ? ["https://e.com/1.png"] : [],
            metadata: Bool.random(using: &random) ? ["topic": "a", "n": 1.0] : nil)
        event.message?.fromNumber = "+1555\(Int.random(in: 0..<3, using: &random))"
        event.isFirst = Bool.random(using: &random)
        return event
    }

    private static func pack(_ filters: [Filter], name: String = "acme/many") -> RulePack {
        let rules = filters.enumerated().map { number, filter in
            Rule(
                name: "\(name):r\(number)", path: "rules/r\(number).lua", trigger: .message, mode: .parallel,
                filter: filter, hasMatches: false)
        }
        return RulePack(pack: Pack(manifest: PackManifest(name: name, version: "1.0.0"), files: [:]), rules: rules)
    }

    @Test(arguments: 0..<20)
    func `the index says of each rule what its filter says`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let packs = ["acme/b", "acme/a"].map { name in
            Self.pack((0..<100).map { _ in Self.filter(&random) }, name: name)
        }
        let index = RuleIndex(packs, for: .message)
        for _ in 0..<10 {
            let event = Self.event(&random)
            let sight = index.look(at: event)
            let all = [packs[1], packs[0]].flatMap(\.rules)
            let admitted = all.filter { $0.filter.refusal(of: event) == nil }.map(\.name)
            expectNoDifference(sight.admitted.map { index.entries[$0].rule.name }, admitted)
            let refused = all.compactMap { rule in
                rule.filter.refusal(of: event).map { Refusal(rule: rule.name, reason: $0) }
            }
            expectNoDifference(
                index.refusals(sight.refused).sorted { $0.rank < $1.rank }.map(\.refusal), refused)
            expectNoDifference(sight.refused.count, refused.count)
            expectNoDifference(
                Set(sight.refused.grouped(in: index.list).refusals), Set(refused))
        }
    }

    @Test func `rules of other triggers are not there`() {
        let pack = Self.pack([Filter()])
        #expect(RuleIndex([pack], for: .reaction).entries.isEmpty)
        #expect(RuleIndex([], for: .message).look(at: .message()).admitted.isEmpty)
    }

    @Test func `what is kept of an event does not grow with the rules that are not for it`() throws {
        let filters = (0..<5000).map { number in
            var filter = Filter()
            filter.body = Filter.Words(["word\(number)"])
            if number.isMultiple(of: 2) { filter.channel = [.sms] }
            return filter
        }
        let index = RuleIndex([Self.pack(filters)], for: .message)
        let sight = index.look(at: .message("word777", channel: .imessage))
        expectNoDifference(sight.admitted.map { index.entries[$0].rule.name }, ["acme/many:r777"])
        let kept = sight.refused.grouped(in: index.list)
        expectNoDifference(kept.count, 4999)
        #expect(try JSON.encode(kept.groups).count < 500)
    }

    @Test func `a trace tells of each of many rules why it did not start`() async throws {
        var rules = ["yes": "return { on = 'message', when = { body = 'hello' }, run = function() end }"]
        for number in 0..<100 {
            rules["no\(number)"] = "return { on = 'message', when = { body = 'word\(number)' }, run = function() end }"
        }
        let bench = try await RuleBench(rules: rules)
        let trace = try await bench.process(.message("Hello"))
        expectNoDifference(trace.invocations.map(\.invocation.rule), ["acme/photos:yes"])
        expectNoDifference(trace.refusals.count, 100)
        expectNoDifference(
            trace.refusals.first { $0.rule == "acme/photos:no42" }?.reason, "the text has none of: word42")
    }
}
