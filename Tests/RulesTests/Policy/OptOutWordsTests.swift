import CustomDump
import Testing

@testable import Rules

@Suite struct OptOutWordsTests {
    @Test(arguments: [
        "STOP", "stop", " Stop. ", "\"stop\"", "StopAll", "UNSUBSCRIBE!", "cancel", "END", "quit", "Revoke", "OPT OUT",
        "opt  out", "optout", "🛑 stop",
    ])
    func `a word that means stop is known however it is written`(_ text: String) {
        expectNoDifference(OptOutWords().meaning(of: text), .stop)
    }

    @Test(arguments: ["START", "unstop", "Start!"])
    func `a word that means start is known`(_ text: String) {
        expectNoDifference(OptOutWords().meaning(of: text), .start)
    }

    @Test(arguments: [
        "please stop", "stop it", "yes", "YES", "help", "", "don't stop", "stopped", "bus stop", "s t o p", "?",
        "end.end",
    ])
    func `a word counts only as the whole message`(_ text: String) {
        expectNoDifference(OptOutWords().meaning(of: text), nil)
    }

    @Test func `the words are a setting`() throws {
        let words = try OptOutWords(stop: ["Arrêt", "Stopp"], start: ["Weiter"])
        expectNoDifference(
            ["ARRÊT", "stopp!", "weiter", "stop"].map(words.meaning), [.stop, .stop, .start, nil])
        expectNoDifference(try OptOutWords(stop: [], start: []).meaning(of: "stop"), nil)
    }

    @Test(arguments: [
        (["stop", "!?"], ["start"], "policy.opt_out.stop: \"!?\" holds no letter or digit"),
        (["stop"], [""], "policy.opt_out.start: \"\" holds no letter or digit"),
        (["stop", "yes"], ["Yes!"], "policy.opt_out.start: \"Yes!\" is among the words of opt_out.stop too"),
    ])
    func `words that can't mean anything are refused`(_ stop: [String], _ start: [String], _ problem: String) {
        let error = #expect(throws: PolicyProblem.self) { try OptOutWords(stop: stop, start: start) }
        expectNoDifference(error?.description, problem)
    }
}
