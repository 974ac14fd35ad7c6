import CustomDump
import Foundation
import Testing

@testable import DurableExecution

@Suite struct JournalTests {
    let time = Date(timeIntervalSince1970: 1)

    func entry(_ position: Int, _ command: Command, _ state: EntryState, outcome: String? = nil) -> JournalEntry {
        JournalEntry(
            invocation: "inv", position: position, name: command.name, input: command.input,
            effect: command.effect.name, location: command.location, state: state,
            outcome: outcome.map { Data($0.utf8) }, attempts: 1, intendedAt: time)
    }

    @Test func `what succeeded is not done again`() throws {
        var journal = try Journal("inv", recorded: [entry(0, .once("send"), .succeeded, outcome: "1")])
        expectNoDifference(journal.take(.once("send"), at: time), .replay(.outcome(Data("1".utf8))))
        #expect(journal.divergenceAtEnd() == nil)
    }

    @Test func `what failed fails again in the same way`() throws {
        let failure = CommandFailure(code: "gone", message: "it is gone")
        var failed = entry(0, .once("send"), .failed)
        failed.failure = failure
        var journal = try Journal("inv", recorded: [failed])
        expectNoDifference(journal.take(.once("send"), at: time), .replay(.failure(failure)))
    }

    @Test func `a new command is performed at the next place`() throws {
        var journal = try Journal("inv", recorded: [entry(0, .read("get"), .succeeded, outcome: "1")])
        _ = journal.take(.read("get"), at: time)
        #expect(!journal.isReplaying)
        var expected = entry(1, .repeatable("tag"), .intended)
        expected.attempts = 0
        expectNoDifference(journal.take(.repeatable("tag"), at: time), .perform(expected))
    }

    @Test func `an intent without outcome is unknown for once and repeated for others`() throws {
        let sent = entry(0, .once("send"), .intended)
        var journal = try Journal("inv", recorded: [sent])
        expectNoDifference(journal.take(.once("send"), at: time), .unknown(sent))
        let tagged = entry(0, .repeatable("tag"), .intended)
        journal = try Journal("inv", recorded: [tagged])
        expectNoDifference(journal.take(.repeatable("tag"), at: time), .perform(tagged))
    }

    @Test func `what was once stays once though the rule calls it otherwise now`() throws {
        let sent = entry(0, .once("send"), .intended)
        var journal = try Journal("inv", recorded: [sent])
        expectNoDifference(journal.take(.repeatable("send"), at: time), .unknown(sent))
    }

    @Test func `what was recorded is known from a place in the middle on too`() throws {
        let journal = try Journal(
            "inv", recorded: [entry(5, .repeatable("tag"), .retrying), entry(6, .repeatable("tag"), .retrying)], from: 5
        )
        expectNoDifference([4, 5, 6, 7].map(journal.holds), [true, true, true, false])
    }

    @Test func `a retry knows its tries and checkpoint`() throws {
        var retrying = entry(0, .once("send"), .retrying)
        retrying.attempts = 3
        retrying.checkpoint = Data("7".utf8)
        var journal = try Journal("inv", recorded: [retrying])
        expectNoDifference(journal.take(.once("send"), at: time), .perform(retrying))
    }

    @Test func `another command than recorded is a divergence that names both`() throws {
        var journal = try Journal("inv", recorded: [entry(0, .once("send"), .succeeded, outcome: "1")])
        let attempted = Command(name: "send", input: Data("{}".utf8), effect: .once, location: "rules/a.lua:9")
        expectNoDifference(
            journal.take(attempted, at: time),
            .diverged(
                #"diverged at command 0: recorded send {"name":"send"} at rules/a.lua:7, now attempted send {} at rules/a.lua:9"#
            ))
    }

    @Test func `ending before the recorded end is a divergence`() throws {
        let journal = try Journal("inv", recorded: [entry(0, .once("send"), .succeeded, outcome: "1")])
        expectNoDifference(
            journal.divergenceAtEnd(),
            #"diverged at command 0: recorded send {"name":"send"} at rules/a.lua:7, now the rule ends"#)
    }

    @Test func `a journal with a gap is refused`() {
        #expect(throws: EngineError.self) {
            _ = try Journal("inv", recorded: [entry(1, .once("send"), .succeeded, outcome: "1")])
        }
    }
}
