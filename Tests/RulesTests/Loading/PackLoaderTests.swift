import Conversations
import CustomDump
import DurableExecution
import Foundation
import Packs
import TestSupport
import Testing

@testable import Rules

@Suite struct PackLoaderTests {
    private func pack(_ files: [String: String]) -> Pack {
        Pack(
            manifest: PackManifest(name: "acme/photos", version: "1.0.0"), files: files.mapValues { Data($0.utf8) })
    }

    private func problems(_ files: [String: String]) async -> [RuleProblem] {
        do {
            _ = try await PackLoader().load(pack(files))
            return []
        } catch {
            return error.problems
        }
    }

    private func rule(_ text: String) async throws -> Rule {
        try #require(try await PackLoader().load(pack(["rules/heart.lua": text])).rules.first)
    }

    @Test func `a rule is what its file says`() async throws {
        let rule = try await rule(
            """
            return {
              on = "message",
              when = {
                direction = { "inbound", "outbound" }, channel = "imessage", body = { "order", "refund" },
                pattern = "ORD%-%d+", media = { "image", "video" }, from = "+15559876543", to = { "+15551234567" },
                agent = "agt_1", number = "num_1", first = false,
                metadata = { topic = { "orders", json.null }, visits = 2 },
                hours = { from = "09:00", to = "17:30", zone = "Europe/Berlin", days = { "mon", "fri" } },
              },
              mode = "parallel",
              description = "Hearts.",
              matches = function() return true end,
              run = function() end,
            }
            """)
        var filter = Filter()
        filter.direction = [.inbound, .outbound]
        filter.channel = [.imessage]
        filter.body = Filter.Words(["order", "refund"])
        filter.patterns = ["ORD%-%d+"]
        filter.media = .kinds([.image, .video])
        filter.from = ["+15559876543"]
        filter.to = ["+15551234567"]
        filter.agent = ["agt_1"]
        filter.number = ["num_1"]
        filter.first = false
        filter.metadata = ["topic": ["orders", .null], "visits": [2]]
        let zone = try #require(TimeZone(identifier: "Europe/Berlin"))
        filter.hours = OpeningHours(from: 540, to: 1050, zone: zone, days: [2, 6])
        expectNoDifference(
            rule,
            Rule(
                name: "acme/photos:heart", path: "rules/heart.lua", trigger: .message, description: "Hearts.",
                mode: .parallel, filter: filter, hasMatches: true))
    }

    @Test(arguments: [
        ("media = true", Filter.Media.any), ("media = false", .none), ("media = \"contact\"", .kinds([.contact])),
    ])
    func `media is a kind, or any, or none`(_ when: String, _ media: Filter.Media) async throws {
        let rule = try await rule("return { on = \"message\", when = { \(when) }, run = function() end }")
        #expect(rule.filter.media == media)
    }

    @Test(arguments: [
        ("message", "direction = \"any\"", []), ("message", "", [Direction.inbound]),
        ("call_ended", "direction = { \"web\", \"inbound\" }", [Direction(rawValue: "web"), .inbound]),
    ])
    func `a direction is inbound unless the rule says otherwise`(
        _ on: String, _ when: String, _ directions: [Direction]
    ) async throws {
        let rule = try await rule("return { on = \"\(on)\", when = { \(when) }, run = function() end }")
        #expect(rule.filter.direction == Set(directions))
    }

    /// What stands in line 3 of a rule, and what is wrong with it.
    @Test(arguments: [
        ("chanel = \"sms\"", "when.chanel is not known; did you mean \"channel\"?"),
        ("reaction = \"love\"", "when.reaction means nothing with on = \"message\""),
        ("channel = \"imesage\"", "when.channel = \"imesage\" is not known; did you mean \"imessage\"?"),
        ("channel = 5", "when.channel must be a string that is not empty, or a list of such"),
        ("channel = {}", "when.channel must be a string that is not empty, or a list of such"),
        ("body = \"\"", "when.body must be a string that is not empty, or a list of such"),
        ("body = { \"a\", 1 }", "when.body must be a string that is not empty, or a list of such"),
        ("body = \"?!\"", "when.body = \"?!\" holds no word to look for; use pattern for punctuation"),
        ("pattern = \"(a\"", "when.pattern = \"(a\" is malformed: a \"(\" is not closed"),
        (
            "pattern = { \"a\", \"a%\" }", "when.pattern = \"a%\" is malformed: it ends with %; for the sign write %%"
        ),
        (
            "media = \"picture\"",
            "when.media = \"picture\" is not known; known are audio, contact, document, file, image, video"
        ),
        ("media = \"imag\"", "when.media = \"imag\" is not known; did you mean \"image\"?"),
        ("first = \"yes\"", "when.first must be true or false"),
        ("direction = \"inbuond\"", "when.direction = \"inbuond\" is not known; did you mean \"inbound\"?"),
        ("direction = \"web\"", "when.direction = \"web\" is not known; known are any, inbound, outbound"),
        ("metadata = \"topic\"", "when.metadata must be a table of keys and values"),
        (
            "metadata = { topic = {} }",
            "when.metadata.topic must be a string, a number, true, false, json.null, or a list of these"
        ),
        (
            "metadata = { topic = { a = 1 } }",
            "when.metadata.topic must be a string, a number, true, false, json.null, or a list of these"
        ),
        ("hours = \"09:00\"", "when.hours must be a table, such as { from = \"09:00\", to = \"17:00\" }"),
        ("hours = { from = \"9\", to = \"17:00\" }", "when.hours.from must be a time of day, such as \"09:00\""),
        ("hours = { from = \"09:00\" }", "when.hours.to must be a time of day, such as \"09:00\""),
        ("hours = { form = \"09:00\" }", "when.hours.form is not known; did you mean \"from\"?"),
        (
            "hours = { from = \"09:00\", to = \"17:00\", zone = \"Europe/Berln\" }",
            "when.hours.zone = \"Europe/Berln\" is no time zone; did you mean \"Europe/Berlin\"?"
        ),
        (
            "hours = { from = \"09:00\", to = \"17:00\", zone = \"home\" }",
            "when.hours.zone = \"home\" is no time zone; one is called \"Europe/Berlin\""
        ),
        (
            "hours = { from = \"09:00\", to = \"17:00\", days = { \"mon\", \"tusday\" } }",
            "when.hours.days = \"tusday\" is not known; known are fri, mon, sat, sun, thu, tue, wed"
        ),
    ])
    func `a mistake in a filter is told with file, line and what was meant`(
        _ condition: String, _ message: String
    ) async {
        let text = "return {\n  on = \"message\", when = {\n    \(condition)\n  }, run = function() end }\n"
        expectSame(
            await problems(["rules/heart.lua": text]),
            [
                RuleProblem(
                    file: "photos/rules/heart.lua", line: 3, message: message, sourceLine: condition)
            ])
    }

    @Test(arguments: [
        (
            "return { on = \"message\", wen = {}, run = function() end }",
            "unknown key \"wen\"; did you mean \"when\"?"
        ),
        (
            "return { on = \"mesage\", run = function() end }",
            "on = \"mesage\" is no trigger; did you mean \"message\"?"
        ),
        ("return { on = 5, run = function() end }", "on must be one of message, reaction, call_ended"),
        ("return { on = \"message\", run = \"x\" }", "run must be a function"),
        ("return { on = \"message\", matches = 1, run = function() end }", "matches must be a function"),
        ("return { on = \"message\", description = 1, run = function() end }", "description must be a string"),
        (
            "return { on = \"message\", mode = \"sngle\", run = function() end }",
            "mode = \"sngle\" is not known; did you mean \"single\"?"
        ),
        (
            "return { on = \"message\", when = 5, run = function() end }",
            "when must be a table of conditions, such as { channel = \"imessage\" }"
        ),
    ])
    func `a mistake in a rule is told with file and line`(_ text: String, _ message: String) async {
        expectSame(
            await problems(["rules/heart.lua": "-- a rule with on = \"nothing\"\n" + text]),
            [RuleProblem(file: "photos/rules/heart.lua", line: 2, message: message, sourceLine: text)])
    }

    @Test(arguments: [
        ("return { run = function() end }", "on must be one of message, reaction, call_ended"),
        ("return { on = \"message\" }", "run must be a function"),
        ("return {}", "must return a table, such as return { on = \"message\", run = function(message) … end }"),
    ])
    func `what is missing has no line`(_ text: String, _ message: String) async {
        expectSame(
            await problems(["rules/heart.lua": text]), [RuleProblem(file: "photos/rules/heart.lua", message: message)])
    }

    @Test func `everything that is wrong is told at once`() async {
        let found = await problems([
            "rules/a.lua": "return {", "rules/b.lua": "error(\"no\")", "rules/c.lua": "return { on = \"message\" }",
            "rules/fine.lua": "return { on = \"message\", run = function() end }", "lib/x.lua": "local = 1",
        ])
        expectNoDifference(
            found.map(\.file),
            ["photos/rules/a.lua", "photos/rules/b.lua", "photos/rules/c.lua", "photos/lib/x.lua"])
        expectNoDifference(found.map(\.line), [1, 1, nil, 1])
        #expect(found[1].message == "no")
        #expect(found[1].sourceLine == "error(\"no\")")
    }

    @Test func `everything that is wrong with one file is told at once, each with its line`() async {
        let found = await problems([
            "rules/a.lua": """
            return {
              on = "message",
              wen = {},
              mode = "sngle",
              when = {
                channel = 5,
                bdy = "order",
                first = "yes",
              },
            }
            """
        ])
        let lines = found.map { [$0.line.map(String.init) ?? "-", String($0.message.prefix(24))] }
        expectNoDifference(
            lines,
            [
                ["3", "unknown key \"wen\"; did y"], ["-", "run must be a function"],
                ["4", "mode = \"sngle\" is not kn"],
                ["7", "when.bdy is not known; d"], ["6", "when.channel must be a s"],
                ["8", "when.first must be true "],
            ])
    }

    @Test func `loading has no effects`() async {
        let found = await problems([
            "rules/a.lua": "store.set(\"a\", 1)\nreturn { on = \"message\", run = function() end }"
        ])
        #expect(found.map(\.line) == [1])
        #expect(found.first?.message.contains("loading has no effects") == true)
    }

    @Test func `a file that is not UTF-8 is told by its name`() async {
        let pack = Pack(
            manifest: PackManifest(name: "acme/photos", version: "1.0.0"),
            files: ["rules/a.lua": Data([0xFF]), "lib/b.lua": Data("return 1".utf8)])
        await #expect(
            throws: RuleProblems([
                RuleProblem(file: "rules/a.lua", message: "rules/a.lua is not UTF-8 text; save it as UTF-8")
            ])
        ) { try await PackLoader().load(pack) }
        let module = Pack(manifest: pack.manifest, files: ["lib/b.lua": Data([0xFF])])
        await #expect(
            throws: RuleProblems([
                RuleProblem(file: "lib/b.lua", message: "lib/b.lua is not UTF-8 text; save it as UTF-8")
            ])
        ) { try await PackLoader().load(module) }
    }

    @Test func `rules see modules by their names`() async throws {
        let pack = pack([
            "lib/text/fold.lua": "return { value = \"Folded.\" }",
            "rules/a.lua": """
            local fold = require "text.fold"
            local same = require "lib.text.fold"
            return { on = "message", description = fold.value .. same.value, run = function() end }
            """,
        ])
        #expect(try await PackLoader().load(pack).rules.map(\.description) == ["Folded.Folded."])
    }

    @Test func `a problem shows its line`() {
        let problem = RuleProblem(file: "photos/rules/a.lua", line: 3, message: "unknown key", sourceLine: "wen = {}")
        #expect("\(problem)" == "photos/rules/a.lua:3: unknown key\n  3 | wen = {}")
        #expect("\(RuleProblem(file: "pack.yaml", message: "no name"))" == "pack.yaml: no name")
    }
}
