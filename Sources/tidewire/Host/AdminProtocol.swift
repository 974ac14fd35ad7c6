import Conversations
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
    /// Whether rules only list what they would send or change.
    var isDryRun: Bool?
    /// How many runs are held because they began in a host of the other kind, dry or live.
    var runsOfOtherKind: Int?
    /// Packs that can't be loaded as they are now.
    var troubles: [Trouble]?
}

extension AdminStatus {
    struct Trouble: Codable, Sendable {
        var folder: String
        /// The pack that is in force as it was last good; nil if none is, and events wait for it.
        var pack: String?
        var digest: String?
        var problems: [String]

        init(_ trouble: PackTrouble) {
            folder = trouble.folder
            pack = trouble.pack
            digest = trouble.version
            problems = trouble.problems.problems.map(\.description)
        }

        /// What is in force instead.
        var consequence: String {
            guard let pack, let digest else { return "no version of it is in force, so events wait for it" }
            return "\(pack) stays in force as it was last good (\(digest.prefix(12)))"
        }
    }
}

/// What stands still in a host, and why.
struct AdminStandstill: Codable, Sendable {
    var pauses: [PauseRecord]
    var breakers: [BreakerRecord]
    /// Whom a rule sends nothing for a while, because it sent them too much.
    var fuseStops: [FuseStopRecord]

    static let none = AdminStandstill(pauses: [], breakers: [], fuseStops: [])
}

struct FuseStopRecord: Codable, Sendable {
    var rule: String
    var participant: String
    var until: Timestamp
    /// How often in a row.
    var times: Int

    init(_ stop: RuleHost.FuseStop) {
        rule = stop.rule
        participant = stop.participant
        until = Timestamp(stop.until)
        times = stop.times
    }

    var line: String {
        "\(rule) sends \(participant.visible) nothing until \(until): it sent too much (\(times) in a row)"
    }
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
