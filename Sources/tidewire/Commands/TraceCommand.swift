import ArgumentParser
import Conversations
import Foundation
import Rules

struct TraceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Show an event whole: the rules it started, why not the others, and every command with its outcome.")

    @Argument(help: "The event's number (#7 or 7), a run's id, or a message's id.")
    var subject: String

    @Flag(name: .long, help: "Print the result as JSON.")
    var json = false

    @Flag(name: .long, help: "Go on and print what is added or changes, until every run has ended.")
    var follow = false

    @OptionGroup var shared: SharedOptions

    func run() async throws {
        try await withRecords(shared) { records in
            var trace = try await records.trace(query)
            if follow { trace = try await followed(trace, records) }
            if json { return try Terminal.json(trace) }
            if !follow { for line in TraceLines(trace: trace).lines { Terminal.line(line) } }
        }
    }

    /// Prints each line once, as it comes; with ``json`` nothing until the end.
    private func followed(_ first: TraceRecord, _ records: any RecordReader) async throws -> TraceRecord {
        var trace = first
        var printed: Set<String> = []
        while true {
            if !json {
                for line in TraceLines(trace: trace).lines where printed.insert(line).inserted { Terminal.line(line) }
            }
            if trace.isOver { return trace }
            try await Task.sleep(for: .milliseconds(500))
            trace = try await records.trace(query)
        }
    }

    private var query: [String: String] {
        let number = subject.hasPrefix("#") ? String(subject.dropFirst()) : subject
        if Int64(number) != nil { return ["event": number] }
        return subject.hasPrefix("inv_") ? ["run": subject] : ["identity": "message:" + subject]
    }
}

/// A trace for people.
struct TraceLines {
    let trace: TraceRecord
    private let palette = Palette.standard

    init(trace: TraceRecord) { self.trace = trace }

    var lines: [String] { head + trace.runs.flatMap(lines) + refusals }

    private var head: [String] {
        let event = trace.event
        var lines = [
            palette.bold("#\(event.sequence) \(event.kind) in \(event.conversation)")
                + " \(event.state)" + (event.note.map { ": \($0)" } ?? ""),
            "  happened \(event.occurredAt), accepted \(event.acceptedAt) by \(event.source), as \(event.identity)",
        ]
        if let body = event.content["message"]?["body"]?.string, !body.isEmpty { lines.append("  \"\(body.visible)\"") }
        return lines
    }

    private func lines(_ run: TraceRecord.Run) -> [String] {
        let mark = run.run.state == "finished" ? palette.green("✓") : palette.yellow("!")
        var lines = ["\(mark) \(run.run.rule)" + " \(run.run.state) " + palette.dim(run.run.id) + run.run.kindMark]
        if let reason = run.run.reason { lines.append(palette.red("    \(reason.visible)")) }
        for command in run.commands {
            lines += run.logs.filter { $0.position == command.position }.map(line)
            lines.append(line(command))
        }
        lines += run.logs.filter { $0.position >= run.commands.count }.map(line)
        lines += (run.run.traceback ?? "").split(separator: "\n").map { palette.dim("    \($0)") }
        return lines
    }

    private func line(_ command: CommandRecord) -> String {
        let place = command.location.map { "\($0) " } ?? ""
        let tries = command.attempts > 1 ? ", try \(command.attempts)" : ""
        let time = command.endedAt.map { end in
            let microseconds = end.microseconds - command.startedAt.microseconds
            return palette.dim(" \(Double(microseconds / 100) / 10) ms")
        }
        let result = command.failure.map { palette.red($0) } ?? text(command.outcome)
        let dry = command.wasPerformed ? "" : " " + palette.yellow(DryRun.note)
        return
            "    \(place)\(command.name) \(text(command.input)) → \(command.state)\(tries) \(result)\(dry)\(time ?? "")"
    }

    private func line(_ log: LogRecord) -> String {
        palette.dim("    \(log.level): \(log.message.visible) \(text(log.fields))")
    }

    private func text(_ value: JSONValue?) -> String {
        guard let value, let data = try? value.text() else { return "" }
        let text = String(decoding: data, as: UTF8.self)
        return (text.count > 160 ? text.prefix(159) + "…" : text).visible
    }

    private var refusals: [String] { trace.refused.map { palette.dim("✗ \($0.rule): \($0.reason)") } }
}
