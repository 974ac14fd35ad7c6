import Conversations
import CustomDump
import DurableExecution
import Foundation
import Testing

@testable import tidewire

@Suite struct TraceLinesTests {
    private let noon = Date(timeIntervalSince1970: 1_736_942_400)

    private var event: Event {
        Event(
            sequence: 7, identity: "message:msg_1", queue: "conv_1", kind: "message", source: "webhook",
            payload: Data(#"{"message":{"body":"Look\nat this"}}"#.utf8), occurredAt: noon, acceptedAt: noon,
            state: .done)
    }

    private func entry(
        _ position: Int, _ name: String, _ state: EntryState = .succeeded, outcome: String? = nil, attempts: Int = 1
    ) -> JournalEntry {
        JournalEntry(
            invocation: "inv_0000000000070000", position: position, name: name, input: Data(#"{"key":"photos"}"#.utf8),
            effect: "once", location: "photos/rules/heart.lua:\(position + 3)", state: state,
            outcome: outcome.map { Data($0.utf8) }, attempts: attempts, intendedAt: noon,
            endedAt: outcome.map { _ in noon.addingTimeInterval(0.0123) })
    }

    private func run(_ state: InvocationState, reason: String? = nil) -> Invocation {
        Invocation(
            id: "inv_0000000000070000", event: 7, queue: "conv_1", rule: "acme/photos:heart", version: "1",
            state: state, reason: reason, createdAt: noon, updatedAt: noon)
    }

    private func lines(_ trace: EventTrace) -> [String] { TraceLines(trace: TraceRecord(trace)).lines }

    @Test func `a trace has the event, the runs with their commands and logs in order, and the refusals`() {
        let log = { (position: Int, message: String) in
            RecordedLog(position: position, line: LogLine(level: "info", message: message), at: noon)
        }
        let trace = EventTrace(
            event: event, refusals: [Refusal(rule: "acme/orders:ask", reason: "the text doesn't match")],
            invocations: [
                InvocationTrace(
                    invocation: run(.finished),
                    entries: [
                        entry(0, "store.increment", outcome: "6"),
                        entry(1, "message.react", outcome: "true", attempts: 3),
                    ], logs: [log(0, "before"), log(1, "between"), log(2, "after")])
            ])
        let shown = lines(trace)
        #expect(shown.first == "#7 message in conv_1 done")
        #expect(shown.contains("  \"Look at this\""))
        let order = [
            "✓ acme/photos:heart", "before", "store.increment", "between", "message.react", "after",
            "✗ acme/orders:ask",
        ]
        let places = order.map { part in shown.firstIndex { $0.contains(part) } }
        expectNoDifference(places, places.sorted { ($0 ?? -1) < ($1 ?? -1) })
        #expect(!places.contains(nil), "\(shown)")
        #expect(
            shown.contains(
                #"    photos/rules/heart.lua:4 message.react {"key":"photos"} → succeeded, try 3 true 12.3 ms"#))
    }

    @Test func `a run that failed shows its reason and its traceback`() {
        var failed = run(.failed, reason: "it broke")
        failed.failure = ProgramFailure(code: "runtime", message: "it\nbroke", traceback: "a.lua:1: in run\n[C]: in ?")
        let shown = lines(
            EventTrace(
                event: event, refusals: [], invocations: [InvocationTrace(invocation: failed, entries: [], logs: [])]))
        expectNoDifference(
            Array(shown.suffix(4)),
            [
                "! acme/photos:heart failed inv_0000000000070000", "    it broke", "    a.lua:1: in run",
                "    [C]: in ?",
            ])
    }
}
