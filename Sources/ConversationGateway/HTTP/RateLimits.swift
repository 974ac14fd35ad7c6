import Conversations
import Foundation

/// How often an operation may be called.
public struct RateLimit: Sendable, Hashable {
    public var count: Int
    public var seconds: Int

    public init(count: Int, seconds: Int) {
        self.count = count
        self.seconds = seconds
    }

    /// The operations that may be limited.
    public static var operations: Set<String> { Set(Endpoint.all.filter { $0.access == .apiKey }.map(\.name)) }

    /// The documented limits, by operation. Source: AgentPhone API reference.
    public static let documented: [String: [RateLimit]] = [
        "setWebhook": [RateLimit(count: 10, seconds: 60)],
        "setAgentWebhook": [RateLimit(count: 10, seconds: 60)],
        "testWebhook": [RateLimit(count: 10, seconds: 60)],
        "testAgentWebhook": [RateLimit(count: 10, seconds: 60)],
        "createNumber": [RateLimit(count: 20, seconds: 60)],
        "releaseNumber": [RateLimit(count: 60, seconds: 60)],
        "createAgent": [RateLimit(count: 30, seconds: 60)],
        "updateAgent": [RateLimit(count: 20, seconds: 60)],
        "getCapabilities": [RateLimit(count: 60, seconds: 60), RateLimit(count: 1000, seconds: 86400)],
    ]
}

/// Counts calls in windows that start with the first call.
struct RateCounter: Sendable {
    private struct Key: Hashable {
        var operation: String
        var limit: RateLimit
    }

    private struct Window {
        var start: Date
        var count: Int
    }

    var limits: [String: [RateLimit]]
    private var windows: [Key: Window] = [:]

    init(limits: [String: [RateLimit]]) { self.limits = limits }

    /// Counts a call.
    ///
    /// - Throws: ``APIError`` `.rateLimited` with the time until the window ends; a refused call doesn't count.
    mutating func admit(_ operation: String, at now: Date) throws(APIError) {
        guard let limits = limits[operation] else { return }
        for limit in limits {
            guard let window = windows[Key(operation: operation, limit: limit)] else { continue }
            let rest = Double(limit.seconds) - now.timeIntervalSince(window.start)
            guard rest > 0, window.count >= limit.count else { continue }
            // The wording of the documented sample. Source: AgentPhone reference "Error handling".
            throw APIError(
                .rateLimited, "Rate limit exceeded. Limit: \(limit.count) requests per \(limit.seconds)s", status: 429,
                serverCode: "RATE_LIMIT_EXCEEDED", retryAfter: .seconds(Int(rest.rounded(.up))))
        }
        for limit in limits {
            let key = Key(operation: operation, limit: limit)
            var window = windows[key] ?? Window(start: now, count: 0)
            if now.timeIntervalSince(window.start) >= Double(limit.seconds) { window = Window(start: now, count: 0) }
            window.count += 1
            windows[key] = window
        }
    }
}
