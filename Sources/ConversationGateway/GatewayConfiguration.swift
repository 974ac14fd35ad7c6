public import BoundedListener
import Conversations
public import Foundation

/// What a gateway needs to know before it starts.
public struct GatewayConfiguration: Sendable {
    /// Holds `gateway.sqlite` and `media/`; made if it is missing.
    public var directory: URL
    public var host: String
    /// 0 takes any free port; see ``Gateway/boundPort``.
    public var port: Int
    /// What the URLs of media start with; if nil, the address by which this machine reaches the gateway. To be set
    /// where others reach it by another.
    public var baseURL: String?
    /// Keys that `/v1` accepts as `Authorization: Bearer`.
    public var apiKeys: [String]
    /// The key that `/sim` accepts as `Authorization: Bearer`.
    public var simulationToken: String
    /// Waits before the second, third, … attempt of a delivery; after the last one it has failed.
    public var retryDelays: [Duration]
    /// Whether deliveries carry `messageId` and `mediaUrls`. Payloads without are in use too.
    public var webhookMessageIDs: Bool
    /// Whether webhooks may be plain `http` and lead to loopback or private addresses.
    public var allowsLocalWebhooks: Bool
    /// The number that is made, with an agent, at the first start.
    public var number: String
    public var numberSupportsIMessage: Bool
    /// Largest body of `POST /sim/media`.
    public var mediaByteLimit: Int
    /// How often operations may be called, by their names; ``RateLimit/documented`` has the real ones.
    public var rateLimits: [String: [RateLimit]]
    /// How often may be sent to whom.
    public var sendCaps: SendCaps
    /// How long a delivery that is over stays listed, at least a day; its counts stay for ever.
    public var deliveryRetention: Duration
    /// What clients may take up.
    public var listener: ListenerLimits

    public init(
        directory: URL, host: String = "127.0.0.1", port: Int = 0, baseURL: String? = nil, apiKeys: [String],
        simulationToken: String, retryDelays: [Duration] = defaultRetryDelays, webhookMessageIDs: Bool = true,
        allowsLocalWebhooks: Bool = false, number: String = "+15551234567", numberSupportsIMessage: Bool = true,
        mediaByteLimit: Int = 100 << 20, rateLimits: [String: [RateLimit]] = [:], sendCaps: SendCaps = SendCaps(),
        deliveryRetention: Duration = .seconds(30 * 86400), listener: ListenerLimits = ListenerLimits()
    ) {
        self.directory = directory
        self.host = host
        self.port = port
        self.baseURL = baseURL
        self.apiKeys = apiKeys
        self.simulationToken = simulationToken
        self.retryDelays = retryDelays
        self.webhookMessageIDs = webhookMessageIDs
        self.allowsLocalWebhooks = allowsLocalWebhooks
        self.number = number
        self.numberSupportsIMessage = numberSupportsIMessage
        self.mediaByteLimit = mediaByteLimit
        self.rateLimits = rateLimits
        self.sendCaps = sendCaps
        self.deliveryRetention = deliveryRetention
        self.listener = listener
    }

    /// Five retries within 20 h 35 min.
    ///
    /// The guide "Webhooks" says six attempts in all; the page "Best practices" about 24 hours, the API reference about
    /// 21. The steps themselves are not published: these fit both spans.
    public static let defaultRetryDelays: [Duration] = [
        .seconds(5 * 60), .seconds(30 * 60), .seconds(2 * 3600), .seconds(6 * 3600), .seconds(12 * 3600),
    ]

    /// - Throws: ``GatewayError`` `.invalidConfiguration`, naming what is wrong.
    func validate() throws(GatewayError) {
        func fail(_ message: String) -> GatewayError { GatewayError(.invalidConfiguration, message) }
        guard !apiKeys.isEmpty, !apiKeys.contains("") else {
            throw fail("the gateway needs an API key; none may be empty")
        }
        guard !simulationToken.isEmpty else { throw fail("the simulation token is empty") }
        guard (0...65535).contains(port) else { throw fail("port \(port) is not in 0...65535") }
        guard ParticipantAddress(number)?.isPhoneNumber == true else {
            throw fail("number \"\(number)\" is no phone number in E.164, such as +15551234567")
        }
        guard deliveryRetention >= .seconds(86400) else { throw fail("deliveries must be kept a day or longer") }
        guard retryDelays.allSatisfy({ $0 >= .zero }) else { throw fail("a retry delay is negative") }
        let operations = RateLimit.operations
        for (name, limits) in rateLimits {
            guard operations.contains(name) else { throw fail("there is no operation \"\(name)\" to limit") }
            guard limits.allSatisfy({ $0.count > 0 && $0.seconds > 0 }) else {
                throw fail("the limit of \(name) must allow 1 or more calls in 1 or more seconds")
            }
        }
        if let baseURL, !["http", "https"].contains(URLComponents(string: baseURL)?.scheme ?? "") {
            throw fail("base URL \"\(baseURL)\" is no http or https URL")
        }
    }
}
