public import Conversations
public import Foundation

/// A message that a phone is about to send.
public struct PhoneText: Sendable, Hashable {
    public var from: String
    /// The project's oldest number if nil.
    public var to: String?
    /// The id of a group that the phone is in, to write there.
    public var group: String?
    public var body: String
    /// URLs, up to 20.
    public var media: [String]
    /// The message of the same conversation that it answers; dropped but for iMessage.
    public var replyTo: Message.ID?

    public init(
        from: String, to: String? = nil, group: String? = nil, body: String = "", media: [String] = [],
        replyTo: Message.ID? = nil
    ) {
        self.from = from
        self.to = to
        self.group = group
        self.body = body
        self.media = media
        self.replyTo = replyTo
    }
}

/// Where scenes are played: the phones of a gateway in this process, or of one reached over HTTP.
public protocol SceneStage: Sendable {
    func setUp(_ address: String, imessage: Bool) async throws(APIError)
    /// - Returns: The group's id.
    func startGroup(of members: [String]) async throws(APIError) -> String
    /// - Returns: What arrived, in order.
    func text(_ text: PhoneText) async throws(APIError) -> [Message]
    func tapBack(from: String, to id: Message.ID, with reaction: ReactionType) async throws(APIError)
    /// Sends from the project's oldest number.
    func answer(to address: String, body: String) async throws(APIError) -> Message.ID
    /// - Returns: The URL of the media.
    func keep(_ data: Data) async throws(APIError) -> String
    /// The latest messages that the phone was sent, newest first.
    func received(by address: String) async throws(APIError) -> [Message]
}

extension SimulatedPhones: SceneStage {
    public func setUp(_ address: String, imessage: Bool) async throws(APIError) {
        try await add(address, imessage: imessage)
    }

    public func startGroup(of members: [String]) async throws(APIError) -> String {
        try await startGroup(members, with: nil).id
    }

    public func text(_ text: PhoneText) async throws(APIError) -> [Message] {
        try await send(text).messages
    }

    public func tapBack(from: String, to id: Message.ID, with reaction: ReactionType) async throws(APIError) {
        try await react(from: from, to: id, with: reaction)
    }

    public func answer(to address: String, body: String) async throws(APIError) -> Message.ID {
        let number = try await gateway.simulatedNumbers().first?.number
        return try await gateway.send(OutboundMessage(fromNumber: number, toNumber: address, body: body)).id
    }

    public func keep(_ data: Data) async throws(APIError) -> String {
        try await upload(data).url
    }

    public func received(by address: String) async throws(APIError) -> [Message] {
        try await messages(of: address, limit: 200).filter { $0.direction == .outbound }
    }
}
