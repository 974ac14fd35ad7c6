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
    /// Where /metrics, /health and /ready are served beside the admin socket, if they are.
    var monitor: String?
    /// The API that rules work with, if rules run here.
    var api: String?
    var packs: [Pack]
    /// How many deliveries were answered with each reason since the start: `accepted`, `duplicate`, `stale`, …
    var deliveries: [String: Int]
}

/// What stands still in a host, and why.
struct AdminStandstill: Codable, Sendable {
    var pauses: [PauseRecord]
    var breakers: [BreakerRecord]

    static let none = AdminStandstill(pauses: [], breakers: [])
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
