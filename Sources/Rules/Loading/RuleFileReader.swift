import Conversations
import DurableExecution
import Lua
import Packs

/// Turns the table that a rule's file returned into a ``Rule``.
struct RuleFileReader {
    private static let keys = ["on", "when", "run", "matches", "mode", "debounce", "description"]

    var name: String
    var path: String
    var source: LuaSource

    /// - Throws: ``RuleProblems``, all there are, each with the line that the key stands on where it can be told.
    func read(_ description: LuaValue) throws(RuleProblems) -> Rule {
        guard case .object(let fields) = description, !fields.isEmpty else {
            throw RuleProblems([
                problem("must return a table, such as return { on = \"message\", run = function(message) … end }")
            ])
        }
        var problems = fields.keys.sorted().filter { !Self.keys.contains($0) }.map { key in
            problem("unknown key \"\(key)\"\(NearestName.suggestion(for: key, among: Self.keys))", at: key)
        }
        func attempt<Value>(_ read: () throws(RuleProblem) -> Value) -> Value? {
            do throws(RuleProblem) {
                return try read()
            } catch {
                problems.append(error)
                return nil
            }
        }
        _ = attempt { () throws(RuleProblem) in try checkRun(fields["run"]) }
        let hasMatches = attempt { () throws(RuleProblem) in try readMatches(fields["matches"]) }
        let mode = attempt { () throws(RuleProblem) in try readMode(fields["mode"], debounce: fields["debounce"]) }
        let trigger = attempt { () throws(RuleProblem) in try readTrigger(fields["on"]) }
        let text = attempt { () throws(RuleProblem) in try readDescription(fields["description"]) }
        // What `when` may hold depends on the trigger.
        let filter = trigger.map {
            FilterReader(trigger: $0, problem: problem).read(fields["when"], problems: &problems)
        }
        guard problems.isEmpty, let trigger, let mode, let filter, let hasMatches, let text else {
            throw RuleProblems(problems)
        }
        return Rule(
            name: name, path: path, trigger: trigger, description: text, mode: mode, filter: filter,
            hasMatches: hasMatches)
    }

    private func checkRun(_ value: LuaValue?) throws(RuleProblem) {
        guard case .function = value else { throw problem("run must be a function", at: "run") }
    }

    private func readTrigger(_ value: LuaValue?) throws(RuleProblem) -> ConversationEvent.Kind {
        let known = ConversationEvent.Kind.allCases.map(\.rawValue)
        guard case .string(let text) = value else {
            throw problem("on must be one of \(known.joined(separator: ", "))", at: "on")
        }
        guard let trigger = ConversationEvent.Kind(rawValue: text) else {
            throw problem(
                "on = \"\(text)\" is no trigger\(NearestName.suggestion(for: text, among: known))", at: "on")
        }
        return trigger
    }

    private func readMatches(_ value: LuaValue?) throws(RuleProblem) -> Bool {
        switch value {
        case nil: return false
        case .function: return true
        default: throw problem("matches must be a function", at: "matches")
        }
    }

    private func readDescription(_ value: LuaValue?) throws(RuleProblem) -> String? {
        switch value {
        case nil: return nil
        case .string(let text): return text
        default: throw problem("description must be a string", at: "description")
        }
    }

    /// How many starts may stand in line with `mode = "queued"`.
    private static let queueLimit = 100

    private func readMode(_ mode: LuaValue?, debounce: LuaValue?) throws(RuleProblem) -> StartMode {
        if let debounce {
            guard mode == nil else { throw problem("mode and debounce exclude each other", at: "debounce") }
            guard let quiet = Self.duration(debounce), quiet > .zero else {
                throw problem("debounce must be a duration, such as \"5s\"", at: "debounce")
            }
            return .debounce(quiet)
        }
        let known = ["parallel", "single", "restart", "queued"]
        switch mode {
        case nil, .string("parallel"): return .parallel
        case .string("single"): return .single
        case .string("restart"): return .restart
        case .string("queued"): return .queued(limit: Self.queueLimit)
        case .string(let text):
            throw problem(
                "mode = \"\(text)\" is not known\(NearestName.suggestion(for: text, among: known))", at: "mode")
        default: throw problem("mode must be one of \(known.joined(separator: ", "))", at: "mode")
        }
    }

    private static func duration(_ value: LuaValue) -> Duration? {
        if case .string(let text) = value { return try? DurationText.parse(text) }
        return value.double.flatMap { (0...1e9).contains($0) ? .seconds($0) : nil }
    }

    /// A problem of this file; its line is where `key` is first given a value.
    private func problem(_ message: String, at key: String? = nil) -> RuleProblem {
        let lines = source.text.split(separator: "\n", omittingEmptySubsequences: false)
        let line = key.flatMap { key in
            lines.firstIndex { Self.assigns(key, in: $0) }
        }
        return RuleProblem(
            file: source.name, line: line.map { $0 + 1 }, message: message,
            sourceLine: line.map { lines[$0].trimmingPrefix(while: \.isWhitespace).description })
    }

    private static func assigns(_ key: String, in line: Substring) -> Bool {
        guard !line.drop(while: \.isWhitespace).hasPrefix("--") else { return false }
        return line.ranges(of: key).contains { range in
            let before = line[..<range.lowerBound].last
            let after = line[range.upperBound...].drop(while: \.isWhitespace)
            let isWord = before.map { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." } ?? false
            return !isWord && after.hasPrefix("=") && !after.hasPrefix("==")
        }
    }
}
