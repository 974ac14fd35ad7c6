import Conversations
import CustomDump
import DurableExecution
import Foundation
import Rules
import Synchronization
import TestSupport
import Testing

@testable import tidewire

@Suite struct LiveLinesTests {
    private let clock = ManualClock()

    /// The lines that notices give, without the time and without colours.
    private func lines(_ notices: EngineNotice...) -> [String] {
        let written = Mutex<[String]>([])
        let live = LiveLines(
            palette: Palette(isOn: false), write: { line in written.withLock { $0.append(line) } },
            now: { [clock] in clock.date })
        for notice in notices { live.observe(notice) }
        return written.withLock { $0 }.map { text in
            text.split(separator: "\n", omittingEmptySubsequences: false)
                .map { $0.replacing(#/^\d\d:\d\d:\d\d /#, with: "") }.joined(separator: "\n")
        }
    }

    private func event(
        _ state: EventState = .pending, source: String = "webhook", note: String? = nil, payload: Data = Data("{}".utf8)
    ) -> Event {
        Event(
            sequence: 7, identity: "message:msg_1", queue: "conv_1", kind: "message", source: source, payload: payload,
            occurredAt: clock.date, acceptedAt: clock.date, state: state, note: note)
    }

    private func message(_ body: String, media: [String] = [], direction: Direction = .inbound) throws -> Data {
        try JSON.encode(
            ConversationEvent(
                kind: .message,
                conversation: .init(
                    id: "conv_1", participant: "+15559876543", number: "+15551234567", numberID: nil, agent: nil,
                    metadata: nil, hasMetadata: false),
                message: .init(
                    id: "msg_1", body: body, fromNumber: "+15559876543", toNumber: "+15551234567",
                    direction: direction, channel: .imessage, attachments: media.map { .init(url: $0) },
                    receivedAt: Timestamp(clock.date))))
    }

    private func run(_ state: InvocationState = .running, reason: String? = nil) -> Invocation {
        Invocation(
            id: "inv_0000000000070000", event: 7, queue: "conv_1", rule: "acme/photos:heart", version: "1",
            state: state, reason: reason, createdAt: clock.date, updatedAt: clock.date)
    }

    private func command(_ name: String = "message.react") -> Command {
        Command(
            name: name, input: Data(#"{"reaction":"love"}"#.utf8), effect: .once, location: "photos/rules/heart.lua:3")
    }

    @Test func `an event is told by who sent it, how, and what it says`() throws {
        expectNoDifference(
            lines(
                .accepted(event(payload: try message("Look at this!"))),
                .accepted(event(source: "poll", payload: try message("", media: ["a", "b"]))),
                .accepted(event(payload: Data("not JSON".utf8)))),
            [
                "#7 message from +15559876543 · imessage · \"Look at this!\"",
                "#7 message from +15559876543 · imessage · 2 attachments (by poll)",
                "#7 message",
            ])
    }

    @Test func `others' text stays on its line and can't steer the terminal`() throws {
        let text = lines(.accepted(event(payload: try message("a\nb\u{1B}[2J" + String(repeating: "x", count: 80)))))[0]
        #expect(text.hasPrefix("#7 message from +15559876543 · imessage · \"a b\\u{1b}[2Jxxx"))
        #expect(text.hasSuffix("x…\""))
        #expect(!text.contains("\n"))
    }

    @Test func `each rule that started or did not has a line of its own`() {
        let matching = Matching(
            starts: [Start(rule: "acme/photos:heart", version: "1")],
            refusals: [Refusal(rule: "acme/orders:ask", reason: "the text doesn't match")])
        expectNoDifference(
            lines(.matched(event(), matching)),
            ["#7   ✓ acme/photos:heart\n#7   ✗ acme/orders:ask: the text doesn't match"])
        #expect(lines(.matched(event(), Matching())).count == 1)
    }

    @Test func `a command is told with its place, its outcome and its time`() {
        let failure = CommandFailure(code: "not_found", message: "the message\nis gone", retryable: false)
        expectNoDifference(
            lines(
                .command(run(), command(), position: 0),
                .commandEnded(
                    run(), command(), position: 0, .success(Data(#"{"id":"msg_2"}"#.utf8)), duration: .milliseconds(12)),
                .commandEnded(run(), command(), position: 0, .failure(failure), duration: .zero)),
            [
                "#7   photos/rules/heart.lua:3 message.react \"love\" → msg_2 12 ms",
                "#7   photos/rules/heart.lua:3 message.react \"love\" failed: the message is gone (not_found)",
            ])
    }

    @Test func `a command that was only listed says so`() {
        let line = lines(
            .commandEnded(
                run(), command(), position: 0, .success(Data(#"{"dry_run":true}"#.utf8)), duration: .milliseconds(1)))
        #expect(line.first?.contains(DryRun.note) == true)
    }

    @Test func `a rule's log lines show their fields`() {
        expectNoDifference(
            lines(.log(run(), LogLine(level: "info", message: "order\nnamed", fields: Data(#"{"id":1}"#.utf8)))),
            [#"#7   info: order named {"id":1}"#])
    }

    @Test func `a run that ends with an error shows where`() {
        var failed = run(.failed, reason: "it broke")
        failed.failure = ProgramFailure(
            code: "runtime", message: "it broke", traceback: "photos/rules/heart.lua:3: in run\n[C]: in ?")
        let line = lines(.ended(failed, duration: .milliseconds(3)))[0]
        #expect(line.hasPrefix("#7   acme/photos:heart failed: it broke\n"))
        #expect(line.contains("photos/rules/heart.lua:3: in run\n"))
        expectNoDifference(
            lines(.ended(run(.finished), duration: .milliseconds(3))), ["#7   acme/photos:heart finished in 3.0 ms"])
    }

    @Test(arguments: [InvocationState.parked, .held, .waiting])
    func `a run that doesn't continue by itself says why`(_ state: InvocationState) {
        let hold = Hold(key: "quiet", reason: "quiet hours until 08:00")
        let stopped = run(state, reason: "quiet hours until 08:00")
        let notice: EngineNotice =
            switch state {
            case .parked: .parked(stopped)
            case .held: .held(stopped, hold)
            default: .waiting(stopped)
            }
        let line = lines(notice)[0]
        #expect(line.hasPrefix("#7   acme/photos:heart "))
        #expect(line.hasSuffix("quiet hours until 08:00"))
    }

    @Test func `an event that came to nothing says why, and one that is done says nothing`() {
        expectNoDifference(
            lines(
                .eventEnded(event(.expired, note: "it is 2 days old"), duration: .zero),
                .eventEnded(event(.done), duration: .zero), .prepared(event())),
            ["#7   expired: it is 2 days old"])
    }

    @Test func `colours are only there where somebody looks on`() {
        let written = Mutex<[String]>([])
        LiveLines(palette: Palette(isOn: true), write: { line in written.withLock { $0.append(line) } })
            .observe(.ended(run(.finished), duration: .zero))
        #expect(written.withLock { $0 }.first?.contains("\u{1B}[32m") == true)
    }
}
