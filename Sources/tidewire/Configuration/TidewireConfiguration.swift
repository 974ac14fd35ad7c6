import BoundedListener
import ConversationGateway
import DurableExecution
import Foundation
import Logging
import Rules

/// What an operator can set, with its defaults.
///
/// Filled by ``load(file:environment:overrides:directory:)``; ``Settings/all`` has each setting's key, type and meaning.
struct TidewireConfiguration: Sendable, Hashable {
    /// Absolute once loaded.
    var stateDirectory = ".tidewire"
    var api = API()
    var source = EventSource.webhook
    var webhook = Webhook()
    var poll = Poll()
    var metadata = MetadataWriters.shared
    /// Absolute folders.
    var packs: [String] = []
    /// Below the 30 s that Kubernetes leaves a container by default.
    /// Source: Kubernetes API reference, PodSpec, terminationGracePeriodSeconds.
    var shutdownGrace = Duration.seconds(20)
    var limits = Limits()
    var policy = Policy()
    var retention = Retention()
    /// Whether effects on conversations are listed instead of performed.
    var isDryRun = false
    /// Where `/metrics`, `/health` and `/ready` are served; nil: on the admin socket only.
    var monitorListen: ListenAddress?
    var gateway = Gateway()
    /// What the clients of each listener may take up.
    var listeners = ListenerLimits()
    var log = Log()

    /// The conversations API that the host works with.
    struct API: Sendable, Hashable {
        /// Source: AgentPhone guide, Conversations.
        var baseURL = "https://api.agentphone.to"
        var key: Secret?
        var timeout = Duration.seconds(30)
        var lookAgainAfter = Duration.seconds(5)
        var repeatReactions = false
    }

    /// By which ways messages come.
    enum EventSource: String, Sendable, CaseIterable {
        case webhook, poll, both

        var listensForWebhooks: Bool { self != .poll }
        var polls: Bool { self != .webhook }
    }

    struct Webhook: Sendable, Hashable {
        var listen = ListenAddress(host: "127.0.0.1", port: 8470)
        var path = "/webhooks/agentphone"
        /// Any of them may have signed a delivery, so that a secret can be rotated without losing one.
        var secrets: [Secret] = []
        /// Bytes.
        var bodyLimit = 1_048_576
        /// Bytes: of all bodies that are being read.
        var bodyMemory = 64 << 20
    }

    struct Poll: Sendable, Hashable {
        var interval = Duration.seconds(10)
        var lookback = Duration.seconds(24 * 3600)
        var catchUp = Duration.seconds(10)
    }

    /// Who else writes conversations' metadata.
    enum MetadataWriters: String, Sendable, CaseIterable {
        case shared, exclusive
    }

    struct Limits: Sendable, Hashable {
        /// Nil: one for each processor core.
        var shards: Int?
        var maxAge = Duration.seconds(24 * 3600)
        var retryAttempts = 8
        var retryFirstDelay = Duration.seconds(1)
        var retryLongestDelay = Duration.seconds(300)
        var retryBudget = Duration.seconds(3600)
        var commandDeadline = Duration.seconds(60)
        var waits = 100
        var cpu = Duration.milliseconds(250)
        var wall = Duration.seconds(10)
        var pattern = Duration.milliseconds(25)
        /// Bytes.
        var memory = 64 << 20
        /// Bytes: sixteen times `memory`. Most states hold some 50 KB.
        var processMemory = 1 << 30
        var keptRuns = 500
        /// Bytes.
        var keptMemory = 64 << 20
        var quotas = RunQuotas()
        var storeQuota = StoreQuota()
        var stepLogLines = 200
        /// Bytes.
        var stepLogBytes = 64 << 10

        var shardCount: Int { shards ?? ProcessInfo.processInfo.activeProcessorCount }
    }

    /// What no pack can override; see ``PolicyConfiguration``.
    struct Policy: Sendable, Hashable {
        var stopWords = OptOutWords.defaultStop
        var startWords = OptOutWords.defaultStart
        /// Both nil: there are no quiet hours.
        var quietFrom: String?
        var quietTo: String?
        var quietZone: String?
        var quietAction = QuietHours.Action.hold
        var quietAnswerWindow = Duration.seconds(900)
        var fuses = Fuses()
    }

    /// How long what is over is kept.
    struct Retention: Sendable, Hashable {
        var events = Duration.seconds(30 * 86_400)
        var identities = Duration.seconds(90 * 86_400)
        /// Bytes; nil: by age alone.
        var size: Int?
    }

    struct Gateway: Sendable, Hashable {
        var listen = ListenAddress(host: "127.0.0.1", port: 8471)
        /// Beside the key that is generated at first start.
        var apiKeys: [Secret] = []
        /// Five retries in about 21 hours: the API documents the number and the span, not the steps.
        /// Source: AgentPhone docs, Webhooks guide; API reference, Create webhook.
        var retryDelays: [Duration] = [
            .seconds(5 * 60), .seconds(30 * 60), .seconds(2 * 3600), .seconds(6 * 3600), .seconds(12 * 3600),
        ]
        var webhookMessageIDs = true
        /// Nil: where this machine reaches it.
        var baseURL: String?
        /// Whether webhooks may be plain http and lead to this machine or its network; `dev` always allows it.
        var localWebhooks = false
        var numberIMessage = true
        /// Bytes.
        var mediaLimit = 100 << 20
        /// Nil: the documented ones, and none in `dev`.
        var rateLimits: [RateLimitSetting]?
        var caps = SendCaps()
        var deliveryRetention = Duration.seconds(30 * 86_400)
        /// In E.164; 555-01xx is set aside for fiction (NANPA, 555 line numbers).
        var number = "+15555550100"
    }

    struct Log: Sendable, Hashable {
        var level = Logger.Level.info
        var format = Format.text

        enum Format: String, Sendable, CaseIterable {
            case text, json
        }
    }
}
