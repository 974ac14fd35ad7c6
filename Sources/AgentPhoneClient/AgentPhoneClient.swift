public import AsyncHTTPClient
public import Conversations
public import Foundation
import NIOHTTP1

/// The conversations API over HTTP. Every call is one attempt.
///
/// What could not be done is thrown as ``APIError``, whose code says what to do. A call that cannot be taken back (a
/// message, a reaction) and that may have reached the server without a clear answer throws
/// ``APIError/Code/outcomeUnknown``; the same call that surely did not reach it throws ``APIError/Code/unavailable``.
public struct AgentPhoneClient: ConversationAPI {
    private let configuration: AgentPhoneConfiguration
    private let exchange: Exchange
    private let now: @Sendable () -> Date

    /// - Parameters:
    ///   - httpClient: Whose connections to use; nil for connections that all clients of the process share. One that
    ///     follows redirects should not be given: what it brings from elsewhere is refused.
    ///   - clock: Measures the timeout.
    ///   - now: The time that a `Retry-After` with a date counts from.
    public init(
        _ configuration: AgentPhoneConfiguration, httpClient: HTTPClient? = nil,
        clock: any Clock<Duration> = ContinuousClock(), now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.configuration = configuration
        self.now = now
        exchange = Exchange(
            httpClient: httpClient ?? Exchange.sharedClient, clock: clock, timeout: configuration.timeout,
            bodyLimit: configuration.bodyLimit)
    }

    public func conversations(limit: Int, offset: Int) async throws(APIError) -> ConversationPage {
        let call = Call(
            "listing conversations", .GET, ["conversations"],
            query: [("limit", "\(limit)"), ("offset", "\(offset)")])
        return try await perform(call, answer: ConversationPage.self)
    }

    public func conversation(_ id: Conversation.ID, messageLimit: Int) async throws(APIError) -> ConversationDetail {
        let call = Call(
            "reading conversation \(id)", .GET, ["conversations", id.rawValue],
            query: [("message_limit", "\(messageLimit)")])
        return try await perform(call, answer: ConversationDetail.self)
    }

    public func update(
        _ id: Conversation.ID, with update: ConversationUpdate
    ) async throws(APIError) -> ConversationDetail {
        if let problem = update.metadataProblem {
            throw APIError(
                .invalidRequest, "updating conversation \(id): metadata \(problem); nothing was sent", field: "metadata"
            )
        }
        let call = Call("updating conversation \(id)", .PATCH, ["conversations", id.rawValue], body: update)
        return try await perform(call, answer: ConversationDetail.self)
    }

    public func messages(
        in id: Conversation.ID, limit: Int, before: Timestamp?, after: Timestamp?
    ) async throws(APIError) -> MessagePage {
        let bounds = [("before", before), ("after", after)].compactMap { name, time in
            time.map { (name, $0.description) }
        }
        let call = Call(
            "reading messages of conversation \(id)", .GET, ["conversations", id.rawValue, "messages"],
            query: [("limit", "\(limit)")] + bounds)
        return try await perform(call, answer: MessagePage.self)
    }

    public func send(_ message: OutboundMessage) async throws(APIError) -> SentMessage {
        let call = Call("sending a message", .POST, ["messages"], body: message, isOnce: true)
        return try await perform(call, answer: SentMessage.self)
    }

    public func react(to id: Message.ID, with reaction: ReactionType) async throws(APIError) -> ReactionReceipt {
        let call = Call(
            "reacting to message \(id)", .POST, ["messages", id.rawValue, "reactions"],
            body: ["reaction": reaction.rawValue], isOnce: true)
        return try await perform(call, answer: ReactionReceipt.self)
    }

    public func showTyping(in id: Conversation.ID) async throws(APIError) -> TypingReceipt {
        let call = Call(
            "showing typing in conversation \(id)", .POST, ["conversations", id.rawValue, "typing"],
            body: [String: String]())
        return try await perform(call, answer: TypingReceipt.self)
    }

    public func webhook() async throws(APIError) -> Webhook? {
        try await perform(Call("reading the webhook", .GET, ["webhooks"]), answer: Webhook?.self)
    }

    public func setWebhook(_ request: WebhookRequest) async throws(APIError) -> Webhook {
        try await perform(Call("setting the webhook", .POST, ["webhooks"], body: request), answer: Webhook.self)
    }

    public func deleteWebhook() async throws(APIError) {
        _ = try await answer(to: Call("deleting the webhook", .DELETE, ["webhooks"]))
    }

    private func perform<Value: Decodable>(_ call: Call, answer type: Value.Type) async throws(APIError) -> Value {
        let answer = try await answer(to: call)
        return try answer.value(type, of: call, configuration)
    }

    /// - Returns: An answer with a status of success.
    private func answer(to call: Call) async throws(APIError) -> Answer {
        switch await exchange.perform(try call.request(configuration), body: try call.bodyBytes()) {
        case .failed(let failure):
            throw failure.error(of: call, configuration)
        case .answered(let answer) where !answer.isSuccess:
            throw answer.error(of: call, configuration, now: now())
        case .answered(let answer):
            return answer
        }
    }
}
