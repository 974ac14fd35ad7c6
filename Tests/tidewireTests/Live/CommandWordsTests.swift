import DurableExecution
import Foundation
import Testing

@testable import tidewire

@Suite struct CommandWordsTests {
    private func command(_ input: String) -> Command {
        Command(name: "conversation.send", input: Data(input.utf8), effect: .once)
    }

    @Test(arguments: [
        (#"{"text":"Hi","conversation_id":"conv_1"}"#, #""Hi""#),
        (#"{"reaction":"love","message_id":"msg_1","metadata":{"a":1}}"#, #""love""#),
        (#"{"b":true,"a":2,"c":null,"d":""}"#, "2 true"),
        (#"{"key":"photos","by":1}"#, #""photos""#),
        (#"{"key":"photos","by":2}"#, #"2 "photos""#),
        (#"{"text":"two\nlines \u001b[31m"}"#, #""two lines \u{1b}[31m""#),
        ("[1]", ""), ("not JSON", ""), ("{}", ""),
    ])
    func `an input is told by what matters in it, in the order of its keys`(_ input: String, _ words: String) {
        #expect(CommandWords.input(command(input)) == words)
    }

    @Test(arguments: [
        (#"{"value":6}"#, " → 6"), (#"{"id":"msg_2","body":"x"}"#, " → msg_2"), (#""done""#, #" → "done""#),
        ("true", " → true"), ("null", ""), ("[]", ""), (#"{"status":"sent"}"#, ""), ("not JSON", ""),
    ])
    func `an outcome is told by its value or its id`(_ outcome: String, _ words: String) {
        #expect(CommandWords.outcome(Data(outcome.utf8), of: command("{}")) == words)
    }

    @Test func `what is long is cut, and says so`() {
        let words = CommandWords.input(command(#"{"text":"\#(String(repeating: "ü", count: 200))"}"#))
        #expect(words == "\"" + String(repeating: "ü", count: 99) + "…\"")
    }
}
