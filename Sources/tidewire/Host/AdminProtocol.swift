import DurableExecution
import Foundation
import Rules

/// What a running process tells the tool's commands over the admin socket, as JSON.

struct AdminStatus: Codable, Sendable {
    struct Pack: Codable, Sendable {
        var name: String
        var version: String
        var digest: String
        var rules: [String]
    }

    var version: String
    var process: Int32
    /// `dev`, `serve` or `gateway`.
    var mode: String
    /// Where the gateway is served, if this process serves it.
    var gateway: String?
    /// Where webhooks are received, if this process receives them.
    var webhook: String?
    /// The API that rules work with, if rules run here.
    var api: String?
    var packs: [Pack]
}

struct AdminReload: Codable, Sendable {
    var folder: String
    /// `activated`, `unchanged` or `broken`.
    var outcome: String
    /// The pack that is in force now.
    var pack: String?
    var rules: [String]
    var problems: [String]

    var isGood: Bool { problems.isEmpty }

    init(folder: String, _ outcome: ReloadOutcome) {
        self.folder = folder
        switch outcome {
        case .activated(let pack):
            self.outcome = "activated"
            self.pack = pack.name
            rules = pack.rules.map(\.name)
            problems = []
        case .unchanged(let pack):
            self.outcome = "unchanged"
            self.pack = pack.name
            rules = pack.rules.map(\.name)
            problems = []
        case .broken(let found, let stillActive):
            self.outcome = "broken"
            pack = stillActive
            rules = []
            problems = found.problems.map(\.description)
        }
    }
}

/// What became of one event.
struct AdminEvent: Codable, Sendable {
    struct Run: Codable, Sendable {
        var invocation: String
        var rule: String
        var state: String
        var reason: String?
    }

    struct Refused: Codable, Sendable {
        var rule: String
        var reason: String
    }

    var sequence: Int64
    var conversation: String
    var state: String
    var note: String?
    var runs: [Run]
    var refused: [Refused]

    /// Whether nothing more happens by itself at once.
    var isSettled: Bool {
        state != "pending" && state != "running" && runs.allSatisfy { $0.state != "running" }
    }

    init(_ trace: EventTrace) {
        sequence = trace.event.sequence
        conversation = trace.event.queue
        state = trace.event.state.rawValue
        note = trace.event.note
        runs = trace.invocations.map { trace in
            Run(
                invocation: trace.invocation.id, rule: trace.invocation.rule, state: trace.invocation.state.rawValue,
                reason: trace.invocation.failure?.message ?? trace.invocation.reason)
        }
        refused = trace.refusals.map { Refused(rule: $0.rule, reason: $0.reason) }
    }
}
