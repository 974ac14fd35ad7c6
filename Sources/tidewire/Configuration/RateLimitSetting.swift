import ConversationGateway
import Rules

/// An entry of `gateway.rate_limits`.
enum RateLimitSetting: Sendable, Hashable {
    /// All of the documented limits.
    case documented
    case operation(String, RateLimit)
}

extension SettingType where Value == RateLimitSetting {
    static let rateLimit = SettingType(
        "documented, or OPERATION=COUNT/DURATION such as sendMessage=5/1h, with a name of the gateway's /openapi.json",
        parse: { text, _ in RateLimitSetting(text) },
        format: { $0.description })
}

extension RateLimitSetting: LosslessStringConvertible {
    init?(_ text: String) {
        if text == "documented" {
            self = .documented
            return
        }
        let sides = text.split(separator: "=", maxSplits: 1)
        let limit = sides.last?.split(separator: "/", maxSplits: 1) ?? []
        guard sides.count == 2, limit.count == 2, let count = Int(limit[0]), count > 0,
            let span = try? DurationText.parse(String(limit[1])), span >= .seconds(1),
            RateLimit.operations.contains(String(sides[0]))
        else { return nil }
        self = .operation(String(sides[0]), RateLimit(count: count, seconds: Int(span.components.seconds)))
    }

    var description: String {
        switch self {
        case .documented: "documented"
        case .operation(let name, let limit): "\(name)=\(limit.count)/\(DurationText.format(.seconds(limit.seconds)))"
        }
    }
}

extension [RateLimitSetting] {
    /// By operation; what is set for an operation takes the place of what is documented for it.
    var limits: [String: [RateLimit]] {
        var limits = contains(.documented) ? RateLimit.documented : [:]
        let own = compactMap { entry -> (String, RateLimit)? in
            guard case .operation(let name, let limit) = entry else { return nil }
            return (name, limit)
        }
        limits.merge(Dictionary(grouping: own, by: \.0).mapValues { $0.map(\.1) }) { $1 }
        return limits
    }
}
