import AgentPhoneClient
import Conversations
import Foundation
import Rules

/// Follows what rules do with something that a simulated phone did, and shows it as the public API has it then.
struct TriggerReport: Sendable {
    let phones: PhonesClient
    let wait: Duration
    let json: Bool

    private struct Result: Encodable {
        var conversation: ConversationDetail
        var messages: [Message]
        var events: [TraceRecord]
    }

    func report(_ sent: PhonesClient.Sent) async throws {
        if !json {
            for message in sent.messages {
                Terminal.line("sent \(message.id) by \(message.channel?.rawValue ?? "?") in \(sent.conversationID)")
            }
        }
        try await report(
            sent.messages.map { EventIdentity.message($0.id) }, conversation: sent.conversationID,
            messages: sent.messages.map(\.id))
    }

    func report(_ reaction: MessageReaction, on messageID: String) async throws {
        if !json { Terminal.line("reacted to \(messageID) with \(reaction.reactionType)") }
        let identity = EventIdentity.reaction(
            reaction.reactionType, on: Message.ID(messageID), from: reaction.fromNumber, at: reaction.createdAt)
        let events = try await whole(try await settled([identity]))
        guard let event = events.first else { return }
        let detail = try await phones.api().conversation(Conversation.ID(event.event.conversation), messageLimit: 100)
        if json {
            let result = Result(conversation: detail, messages: [], events: events)
            Terminal.line(String(decoding: try JSON.encode(result), as: UTF8.self))
            return
        }
        Self.print(event)
        try Self.print(detail, since: reaction.createdAt)
    }

    private func report(
        _ identities: [String], conversation: Conversation.ID, messages: [Message.ID]
    ) async throws {
        let events = try await whole(try await settled(identities))
        let api = try phones.api()
        let detail = try await api.conversation(conversation, messageLimit: 100)
        let seen = detail.messages.filter { messages.contains($0.id) }.sorted { $0.receivedAt < $1.receivedAt }
        if json {
            let result = Result(conversation: detail, messages: seen, events: events)
            Terminal.line(String(decoding: try JSON.encode(result), as: UTF8.self))
            return
        }
        for event in events { Self.print(event) }
        for message in seen {
            let reactions = message.reactions.map(\.reactionType.rawValue).joined(separator: ", ")
            Terminal.line("\(message.id) has \(reactions.isEmpty ? "no reaction" : "the reaction \(reactions)")")
        }
        try Self.print(detail, since: seen.first?.receivedAt)
    }

    /// Adds what the runs did, where it is shown.
    private func whole(_ events: [TraceRecord]) async throws -> [TraceRecord] {
        guard json else { return events }
        var whole: [TraceRecord] = []
        for event in events { whole.append(try await phones.admin.trace(["event": String(event.event.sequence)])) }
        return whole
    }

    /// Asks until every event is settled or the time is over.
    private func settled(_ identities: [String]) async throws -> [TraceRecord] {
        guard phones.hasRules, wait > .zero else { return [] }
        let deadline = ContinuousClock.now + wait
        var pause = Duration.milliseconds(20)
        while true {
            var events: [TraceRecord] = []
            for identity in identities {
                if let event = try await phones.admin.outline(identity: identity) { events.append(event) }
            }
            if events.count == identities.count, events.allSatisfy(\.isSettled) { return events }
            guard ContinuousClock.now < deadline else {
                if !json { Terminal.line("(not settled after \(wait); the host's own lines tell more)") }
                return events
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(200))
        }
    }

    /// Prints a conversation's metadata, and what was answered since a time.
    private static func print(_ detail: ConversationDetail, since: Timestamp?) throws {
        let id = detail.conversation.id
        if let metadata = detail.conversation.metadata {
            let text = String(decoding: try JSONValue.object(metadata).text(), as: UTF8.self)
            Terminal.line("\(id) has the metadata \(text)")
        } else {
            Terminal.line("\(id) has no metadata")
        }
        let answers = detail.messages.filter { $0.direction == .outbound && $0.receivedAt >= since ?? $0.receivedAt }
        for answer in answers.sorted(by: { $0.receivedAt < $1.receivedAt }) where since != nil {
            Terminal.line("answered: \(answer.body.visible)")
        }
    }

    private static func print(_ trace: TraceRecord) {
        let palette = Palette.standard
        for run in trace.runs.map(\.run) {
            let mark = run.state == "finished" ? palette.green("✓ ") : palette.yellow("! ")
            Terminal.line(mark + "\(run.rule) \(run.stateText)" + run.kindMark)
        }
        for refusal in trace.refused { Terminal.line(palette.dim("✗ \(refusal.rule): \(refusal.reason)")) }
        if trace.event.state == "held" {
            Terminal.line(palette.yellow("! held: \(trace.event.note ?? "")"))
        } else if trace.event.state == "pending" {
            Terminal.line(palette.yellow("! waits for its turn; `tidewire status` shows what holds it up"))
        } else if trace.runs.isEmpty, trace.refused.isEmpty {
            Terminal.line(palette.dim("no rule is for this" + (trace.event.note.map { " (\($0))" } ?? "")))
        }
    }
}
