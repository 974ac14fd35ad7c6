public import Conversations
import Foundation
import GRDB

extension SimulatedPhones {
    /// Makes a conversation with the guide's messages, ids and times, so that its requests can be tried as they are
    /// printed: a photo by iMessage to react to, a message of the agent's for the phone to react to, metadata.
    ///
    /// Made once; a second call returns the same ids. Nothing of it is delivered to webhooks.
    public func seedSample() async throws(APIError) -> SampleConversation {
        let photo = try await upload(Self.samplePhoto, contentType: "image/png")
        let links = gateway.links
        return try await gateway.store.write { database in
            guard let number = try NumberTable.first(database) else { throw APIError.notFound("Number") }
            let start = Timestamp("2025-01-15T11:30:00Z") ?? Timestamp(microseconds: 0)
            if try PhoneTable.find(database, address: Sample.participant) == nil {
                try PhoneTable.put(
                    database, SimulatedPhone(address: Sample.participant, imessage: true, createdAt: start))
            }
            var conversation = try ConversationTable.findOrInsert(
                database, number: number, participant: Sample.participant, at: start, id: Sample.conversationID)
            if try MessageTable.find(database, id: Sample.photoID, links: links) == nil {
                try Self.fill(database, &conversation, number: number, photo: photo.url, links: links)
            }
            return SampleConversation(
                conversationID: conversation.conversation.id, agentID: conversation.conversation.agentID,
                numberID: number.id, number: number.phoneNumber, participant: Sample.participant,
                photoMessageID: Sample.photoID, outboundMessageID: Sample.outboundID)
        }
    }

    private static func fill(
        _ database: Database, _ conversation: inout StoredConversation, number: StoredNumber, photo: String,
        links: MediaLinks
    ) throws {
        let channel: Channel = number.supportsIMessage ? .imessage : .sms
        for line in Sample.lines {
            let isInbound = line.direction == .inbound
            let media = line.isPhoto ? [photo] : []
            _ = try MessageTable.append(
                database, to: &conversation,
                MessageDraft(
                    direction: line.direction, channel: line.isPhoto && channel == .sms ? .mms : channel,
                    from: isInbound ? Sample.participant : number.phoneNumber,
                    to: isInbound ? number.phoneNumber : Sample.participant, body: line.body, mediaURLs: media,
                    id: line.id),
                at: line.at, links: links)
        }
        try ConversationTable.setMetadata(
            database, row: conversation.row, ["customerName": "Jane Doe", "orderId": "ORD-12345"])
    }

    /// A picture of one pixel.
    private static let samplePhoto =
        Data(
            base64Encoded:
                "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
        ?? Data()
}

/// Source: AgentPhone guide "Conversations", samples; what they leave open is filled in to their eight messages.
private enum Sample {
    struct Line {
        var id: Message.ID
        var direction: Direction
        var body: String
        var at: Timestamp
        var isPhoto = false

        init(_ id: Message.ID, _ direction: Direction, _ time: String, _ body: String, isPhoto: Bool = false) {
            self.id = id
            self.direction = direction
            self.body = body
            self.isPhoto = isPhoto
            at = Timestamp("2025-01-15T\(time)Z") ?? Timestamp(microseconds: 0)
        }
    }

    static let conversationID: Conversation.ID = "conv_def456"
    static let participant = "+15559876543"
    static let photoID: Message.ID = "msg_002"
    static let outboundID: Message.ID = "msg_008"

    static let lines = [
        Line("msg_001", .inbound, "11:30:00", "Hi, I need help with my order"),
        Line("msg_003", .outbound, "11:31:00", "Of course. Which order is this about?"),
        Line("msg_004", .inbound, "11:40:00", "ORD-12345"),
        Line("msg_005", .outbound, "11:41:00", "Could you send a photo of the parcel?"),
        Line("msg_002", .inbound, "11:45:00", "", isPhoto: true),
        Line("msg_006", .outbound, "11:50:00", "Thank you. A new one leaves today."),
        Line("msg_007", .inbound, "11:58:00", "That was quick"),
        Line("msg_008", .outbound, "12:00:00", "Thanks for your help!"),
    ]
}
