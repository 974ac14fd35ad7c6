import Conversations

/// Something that goes wrong on demand, in answers of the API or in deliveries of webhooks.
struct Fault: Sendable, Hashable, Codable {
    enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
        // Answers of the API.
        /// Answers with `status` and `code`; the call has no effect.
        case status
        /// The call takes effect, and the answer is `status` and `code` all the same.
        case statusAfterEffect = "status_after_effect"
        /// Answers `seconds` late.
        case delay
        /// Closes the connection; the call has no effect.
        case disconnect
        /// The call takes effect, and the connection is closed without an answer.
        case loseAnswer = "lose_answer"

        // Deliveries of webhooks.
        /// Delivers the same twice.
        case duplicate
        /// Holds the delivery back for `seconds`, so that later ones overtake it.
        case reorder
        /// Signs with another secret.
        case wrongSignature = "wrong_signature"
        /// Changes the body after signing it.
        case tamperedBody = "tampered_body"
        /// Signs and stamps as of `seconds` ago; ahead, if negative.
        case skew
        /// Counts as delivered, and is not.
        case drop

        /// Whether it befalls deliveries; otherwise it befalls answers.
        var isOfDelivery: Bool {
            switch self {
            case .status, .statusAfterEffect, .delay, .disconnect, .loseAnswer: false
            case .duplicate, .reorder, .wrongSignature, .tamperedBody, .skew, .drop: true
            }
        }
    }

    var id: String?
    var kind: Kind
    /// The operation that it befalls, such as `sendMessage`; any of `/v1` if nil.
    var operation: String?
    /// The webhook that it befalls: an agent's id, or empty for the project's; any if nil.
    var consumer: String?
    /// 400 to 599.
    var status: Int?
    /// Such as `CONVERSATION_STREAK_LIMIT`.
    var code: String?
    /// Seconds of the header `Retry-After`.
    var retryAfter: Int?
    /// At most a day, either way.
    var seconds: Double?
    /// How often it strikes before it is over; always if nil.
    var count: Int?
    /// How likely it strikes, 0 to 1; 1 if nil.
    var rate: Double?
    /// Where the chances start from, so that a run can be repeated; 0 if nil.
    var seed: UInt64?

    private enum CodingKeys: String, CodingKey {
        case id, kind, operation, consumer, status, code, seconds, count, rate, seed
        case retryAfter = "retry_after"
    }

    init(_ kind: Kind) { self.kind = kind }

    /// - Throws: ``APIError`` `.invalidRequest` with the field's name.
    func check() throws(APIError) {
        let needsStatus = kind == .status || kind == .statusAfterEffect
        guard !needsStatus || status != nil else { throw .invalid("status", "is missing") }
        if let status, !(400...599).contains(status) { throw .invalid("status", "must be 400 to 599") }
        let needsSeconds = [.delay, .reorder, .skew].contains(kind)
        guard !needsSeconds || seconds != nil else { throw .invalid("seconds", "is missing") }
        let range = kind == .skew ? -86400.0...86400 : 0...86400
        if let seconds, !range.contains(seconds) { throw .invalid("seconds", "must be at most a day") }
        if let rate, !(0...1).contains(rate) { throw .invalid("rate", "must be 0 to 1") }
        if let count, count < 1 { throw .invalid("count", "must be 1 or more") }
        if let retryAfter, !(0...86400).contains(retryAfter) { throw .invalid("retry_after", "must be 0 to 86400") }
        guard kind.isOfDelivery || consumer == nil else { throw .invalid("consumer", "goes with deliveries only") }
        guard !kind.isOfDelivery || operation == nil else { throw .invalid("operation", "goes with answers only") }
        if let operation, !Endpoint.all.contains(where: { $0.name == operation && $0.access == .apiKey }) {
            throw .invalid("operation", "must be one of /v1's, such as sendMessage")
        }
    }

    /// The answer that it gives.
    var error: APIError {
        let status = status ?? 500
        return APIError(
            .unavailable, "This fails on demand: \(status).", status: status, serverCode: code ?? "FAULT",
            retryAfter: retryAfter.map { .seconds($0) })
    }
}

/// The faults in force, and whether one strikes.
struct FaultPlan: Sendable {
    private struct Entry {
        var fault: Fault
        var chances: SplitMix64
    }

    private var entries: [Entry] = []
    private var nextID = 1

    /// What may be struck.
    enum Target: Sendable, Hashable {
        case operation(String)
        case consumer(WebhookScope)
    }

    /// In the order of their making; `count` is what is left.
    var faults: [Fault] { entries.map(\.fault) }

    mutating func add(_ fault: Fault) -> Fault {
        var fault = fault
        fault.id = "fault_\(nextID)"
        nextID += 1
        entries.append(Entry(fault: fault, chances: SplitMix64(seed: fault.seed ?? 0)))
        return fault
    }

    /// - Returns: Whether there was one of this id.
    mutating func remove(_ id: String) -> Bool {
        let before = entries.count
        entries.removeAll { $0.fault.id == id }
        return entries.count < before
    }

    mutating func removeAll() { entries.removeAll() }

    /// The first fault that strikes the target, if any; its count goes down.
    mutating func strike(_ target: Target) -> Fault? {
        for index in entries.indices where entries[index].fault.befalls(target) {
            let chance = Double(entries[index].chances.next() >> 11) / Double(1 << 53)
            guard chance < (entries[index].fault.rate ?? 1) else { continue }
            let fault = entries[index].fault
            if let count = fault.count {
                if count == 1 { entries.remove(at: index) } else { entries[index].fault.count = count - 1 }
            }
            return fault
        }
        return nil
    }
}

extension Fault {
    fileprivate func befalls(_ target: FaultPlan.Target) -> Bool {
        switch target {
        case .operation(let name): !kind.isOfDelivery && (operation == nil || operation == name)
        case .consumer(let scope): kind.isOfDelivery && (consumer == nil || consumer == scope.rawValue)
        }
    }
}

/// A generator of numbers that look random and come again from the same seed.
///
/// Source: Sebastiano Vigna, https://prng.di.unimi.it/splitmix64.c (public domain).
struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
