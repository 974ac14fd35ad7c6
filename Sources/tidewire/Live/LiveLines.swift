import Conversations
import DurableExecution
import Foundation
import Rules

/// What happens, in lines that a person can follow: the event, the rules that matched and why others didn't, each
/// command with its outcome, and how long it took.
struct LiveLines: EngineObserver {
    var palette = Palette.standard
    var write: @Sendable (String) -> Void = { Terminal.line($0) }
    var now: @Sendable () -> Date = { Date() }

    func observe(_ notice: EngineNotice) {
        guard let text = text(for: notice) else { return }
        write(palette.dim(clock) + " " + text)
    }

    private var clock: String {
        now().formatted(
            Date.VerbatimFormatStyle(
                format:
                    "\(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits):\(second: .twoDigits)",
                timeZone: .current, calendar: Calendar(identifier: .gregorian)))
    }

    private func text(for notice: EngineNotice) -> String? {
        switch notice {
        case .accepted(let event): number(event.sequence) + palette.bold(summary(of: event))
        case .duplicate(let event, let sequence):
            number(sequence) + palette.dim("came again by \(event.source); nothing to do")
        case .matched(let event, let matching): matched(event, matching)
        case .command: nil
        case .commandEnded(let invocation, let command, _, let result, let duration):
            ended(command, of: invocation, result, duration)
        case .log(let invocation, let line): logged(line, by: invocation)
        case .retrying(let invocation, let date, let failure):
            number(invocation.event)
                + palette.yellow(
                    "  \(name(invocation)) tries again at \(date.formatted(date: .omitted, time: .standard)): \(failure.message)"
                )
        case .waiting(let invocation):
            number(invocation.event)
                + palette.blue("  \(name(invocation)) \(invocation.reason ?? "waits")")
        case .delivered(let event, let invocation):
            number(event.sequence) + palette.blue("  → ends the wait of \(name(invocation)) (#\(invocation.event))")
        case .parked(let invocation):
            number(invocation.event)
                + palette.yellow("  \(name(invocation)) is parked: \(invocation.reason ?? "no reason given")")
        case .held(let invocation, let hold):
            number(invocation.event)
                + palette.yellow("  \(name(invocation)) is held: \(RunKind.explained(hold).visible)")
        case .paused(let pause): palette.yellow("⏸ \(pause.subject) is paused: \(pause.reason.visible)")
        case .resumed(let pause): palette.green("▶ \(pause.subject) goes on")
        case .breakerOpened(let breaker):
            palette.red("\(breaker.upstream) does not answer, so work for it waits: \((breaker.reason ?? "").visible)")
        case .breakerClosed(let breaker): palette.green("\(breaker.upstream) answers again, and work for it goes on")
        case .quarantined(let event):
            number(event.event)
                + palette.red(
                    "is quarantined: \(event.crashes) processes ended while it ran. Paused: "
                        + event.rules.joined(separator: ", "))
        case .ended(let invocation, let duration): ended(invocation, duration)
        case .eventEnded(let event, _): ended(event)
        default: nil
        }
    }

    private func number(_ sequence: Int64) -> String { palette.dim("#\(sequence)") + " " }

    private func name(_ invocation: Invocation) -> String { invocation.rule }

    private func summary(of event: Event) -> String {
        guard let content = try? JSON.decode(ConversationEvent.self, from: event.payload) else { return event.kind }
        var parts = ["\(event.kind.replacing("_", with: " ")) \(arrow(content)) \(content.sender)"]
        if let channel = content.channel { parts.append(channel.rawValue) }
        let attachments = content.message?.attachments ?? []
        if !attachments.isEmpty {
            parts.append(attachments.count == 1 ? "1 attachment" : "\(attachments.count) attachments")
        }
        if let reaction = content.reaction { parts.append(reaction.reactionType.rawValue) }
        if !content.text.isEmpty { parts.append("\"\(Self.shortened(content.text))\"") }
        return parts.map(\.visible).joined(separator: " · ")
            + (event.source == "webhook" ? "" : " (by \(event.source))")
    }

    private func arrow(_ content: ConversationEvent) -> String { content.direction == .outbound ? "sent by" : "from" }

    private func matched(_ event: Event, _ matching: Matching) -> String? {
        let started = matching.starts.map { palette.green("  ✓ \($0.rule)") }
        let refused = matching.refusals.map { palette.dim("  ✗ \($0.rule): \($0.reason)") }
        let others =
            matching.rest.map { [palette.dim("  ✗ \($0.count) other rules: their filters, see the trace")] } ?? []
        let lines = started + refused + others
        guard !lines.isEmpty else { return number(event.sequence) + palette.dim("  no rule is for this") }
        return lines.map { number(event.sequence) + $0 }.joined(separator: "\n" + palette.dim(clock) + " ")
    }

    private func ended(
        _ command: Command, of invocation: Invocation, _ result: Result<Data, CommandFailure>, _ duration: Duration
    ) -> String {
        let place = command.location ?? name(invocation)
        let head = "  \(place) \(command.name) \(CommandWords.input(command))"
        switch result {
        case .success(let outcome):
            let words = CommandWords.outcome(outcome, of: command)
            let dry = DryRun.marks(outcome) ? " " + palette.yellow(DryRun.note) : ""
            return number(invocation.event) + palette.blue(head) + words + dry
                + palette.dim(" \(Self.milliseconds(duration))")
        case .failure(let failure):
            return number(invocation.event)
                + palette.red("\(head) failed: \(failure.message.visible) (\(failure.code.visible))")
        }
    }

    private func logged(_ line: LogLine, by invocation: Invocation) -> String {
        let fields = line.fields.map { " " + String(decoding: $0, as: UTF8.self) } ?? ""
        let text = "  \(line.level): \((line.message + fields).visible)"
        return number(invocation.event) + (line.level == "error" ? palette.red(text) : text)
    }

    private func ended(_ invocation: Invocation, _ duration: Duration) -> String {
        switch invocation.state {
        case .failed:
            let failure = invocation.failure
            let traceback = failure?.traceback.map { "\n" + Self.indented($0) } ?? ""
            return number(invocation.event)
                + palette.red("  \(name(invocation)) failed: \((failure?.message ?? invocation.reason ?? "").visible)")
                + palette.dim(traceback)
        default:
            return number(invocation.event)
                + palette.green("  \(name(invocation)) \(invocation.state.rawValue)")
                + palette.dim(" in \(Self.milliseconds(duration))")
        }
    }

    private func ended(_ event: Event) -> String? {
        switch event.state {
        case .done, .pending, .running: nil
        default: number(event.sequence) + palette.yellow("  \(event.state.rawValue): \(event.note ?? "")")
        }
    }

    private static func milliseconds(_ duration: Duration) -> String {
        let value = duration / .milliseconds(1)
        return value < 10 ? "\((value * 10).rounded() / 10) ms" : "\(Int(value.rounded())) ms"
    }

    private static func indented(_ text: String) -> String {
        text.split(separator: "\n").map { "              " + String($0).visible }.joined(separator: "\n")
    }

    private static func shortened(_ text: String) -> String {
        let line = text.replacing("\n", with: " ")
        return line.count > 60 ? line.prefix(59) + "…" : line
    }
}
