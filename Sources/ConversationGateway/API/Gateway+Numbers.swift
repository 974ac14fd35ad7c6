import Conversations
import Foundation

/// A number as the API shows it. Source: AgentPhone API reference, numbers; `outboundSms` is a later addition.
struct NumberItem: Encodable, Sendable {
    var number: StoredNumber

    private enum CodingKeys: String, CodingKey {
        case id, phoneNumber, country, status, type, agentId, outboundSms, createdAt
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(number.id, forKey: .id)
        try container.encode(number.phoneNumber, forKey: .phoneNumber)
        try container.encode(number.country, forKey: .country)
        try container.encode("active", forKey: .status)
        try container.encode("sms", forKey: .type)
        try container.encode(number.agentID, forKey: .agentId)
        try container.encode(number.isRegisteredForSMS ? "enabled" : "registration_required", forKey: .outboundSms)
        try container.encode(number.createdAt, forKey: .createdAt)
    }
}

struct NumberPage: Encodable, Sendable {
    var data: [NumberItem]
    var hasMore: Bool
    var total: Int
}

/// A page of a number's messages, under names that differ from those of a conversation.
///
/// `from_` is what the API's answers literally have. Source: AgentPhone API reference, "List number messages".
struct NumberMessagePage: Encodable, Sendable {
    struct Item: Encodable, Sendable {
        var id: Message.ID
        var from: String
        var to: String
        var body: String
        var direction: Direction
        var channel: Channel?
        var receivedAt: Timestamp

        private enum CodingKeys: String, CodingKey {
            case id, to, body, direction, channel, receivedAt
            case from = "from_"
        }

        init(_ message: Message) {
            id = message.id
            from = message.fromNumber
            to = message.toNumber
            body = message.body
            direction = message.direction
            channel = message.channel
            receivedAt = message.receivedAt
        }
    }

    var data: [Item]
    var hasMore: Bool

    init(_ page: MessagePage) {
        data = page.data.map(Item.init)
        hasMore = page.hasMore
    }
}

/// The body of `POST /v1/numbers`. The gateway takes the country and picks the number.
struct NumberBody: Decodable, Sendable {
    var country: String?
    var agentId: String?
}

/// The body of `POST /sim/numbers`.
struct SimulatedNumberBody: Decodable, Sendable {
    var number: String
    var imessage: Bool?
    var smsRegistered: Bool?

    private enum CodingKeys: String, CodingKey {
        case number, imessage
        case smsRegistered = "sms_registered"
    }
}

/// A number as `/sim` shows it.
struct SimulatedNumber: Encodable, Sendable {
    var id: String
    var number: String
    var imessage: Bool
    var smsRegistered: Bool

    private enum CodingKeys: String, CodingKey {
        case id, number, imessage
        case smsRegistered = "sms_registered"
    }

    init(_ number: StoredNumber) {
        id = number.id
        self.number = number.phoneNumber
        imessage = number.supportsIMessage
        smsRegistered = number.isRegisteredForSMS
    }
}

extension Gateway {
    func numbers(limit: Int, offset: Int) async throws(APIError) -> NumberPage {
        let page = try await store.read { try NumberTable.page($0, limit: limit, offset: offset) }
        return NumberPage(
            data: page.data.map(NumberItem.init),
            hasMore: page.data.count < max(0, page.total - min(offset, page.total)),
            total: page.total)
    }

    func messages(
        ofNumber id: String, limit: Int, before: Timestamp?, after: Timestamp?
    ) async throws(APIError) -> NumberMessagePage {
        try await store.read { [links] database in
            guard let number = try NumberTable.find(database, id: id) else {
                throw APIError.notFound("Number", code: "PHONE_NUMBER_NOT_FOUND")
            }
            return NumberMessagePage(
                try MessageTable.page(
                    database, numberRow: number.row, limit: limit, before: before, after: after, links: links))
        }
    }

    /// Makes a number of the range that is kept for fiction: nobody's phone rings.
    func createNumber(_ body: NumberBody) async throws(APIError) -> NumberItem {
        let country = body.country ?? "US"
        guard country == "US" else {
            throw .invalid("country", "must be US: the gateway has numbers of no other country")
        }
        let now = timestamp
        return try await store.write { database in
            let agent = try body.agentId.map { id in
                guard let row = try AgentTable.row(database, id: id) else { throw APIError.notFound("Agent") }
                return row
            }
            guard
                let free = try FictionalNumbers.all.first(where: { try !NumberTable.isTaken(database, phoneNumber: $0) }
                )
            else {
                throw APIError(
                    .conflict, "No number is left.", status: 409, serverCode: "VALIDATION_ERROR_NUMBER_LIMIT")
            }
            let number = StoredNumber(
                row: 0, id: Names.id("num", at: now.microseconds), phoneNumber: free, agentRow: agent,
                agentID: body.agentId, country: country, supportsIMessage: true, isRegisteredForSMS: true,
                createdAt: now.wholeMilliseconds)
            try NumberTable.insert(database, number)
            return NumberItem(number: number)
        }
    }

    /// Its conversations stay. Source: AgentPhone API reference, "Release number".
    func releaseNumber(_ id: String) async throws(APIError) {
        try await store.write { database in
            guard let number = try NumberTable.find(database, id: id) else {
                throw APIError.notFound("Number", code: "PHONE_NUMBER_NOT_FOUND")
            }
            try NumberTable.release(database, number)
        }
    }

    func simulatedNumbers() async throws(APIError) -> [SimulatedNumber] {
        try await store.read {
            try NumberTable.page($0, limit: Int(Int32.max), offset: 0).data.map(SimulatedNumber.init)
        }
    }

    /// Makes a number, or changes what it can; what is left out stays, or starts as yes.
    func putNumber(_ body: SimulatedNumberBody) async throws(APIError) -> SimulatedNumber {
        guard let address = ParticipantAddress(body.number), address.isPhoneNumber else {
            throw .invalid("number", "must be a phone number such as +15551234567")
        }
        let now = timestamp
        return try await store.write { database in
            if var number = try NumberTable.find(database, phoneNumber: address.text) {
                number.supportsIMessage = body.imessage ?? number.supportsIMessage
                number.isRegisteredForSMS = body.smsRegistered ?? number.isRegisteredForSMS
                try NumberTable.setAbilities(database, number)
                return SimulatedNumber(number)
            }
            guard try !NumberTable.isTaken(database, phoneNumber: address.text) else {
                throw APIError(.conflict, "The number was released.", status: 409, serverCode: "NUMBER_RELEASED")
            }
            let number = StoredNumber(
                row: 0, id: Names.id("num", at: now.microseconds), phoneNumber: address.text, agentRow: nil,
                agentID: nil, country: "US", supportsIMessage: body.imessage ?? true,
                isRegisteredForSMS: body.smsRegistered ?? true, createdAt: now.wholeMilliseconds)
            try NumberTable.insert(database, number)
            return SimulatedNumber(number)
        }
    }
}

/// +1 555 555 0100 to 0199 and on through the area codes that end in 55.
///
/// Source: North American Numbering Plan: 555-0100 to 555-0199 are kept for fictional use in every area code.
enum FictionalNumbers {
    static var all: some Sequence<String> {
        (2...9).lazy.flatMap { area in
            (100...199).lazy.map { line in "+1\(area)55555\(String(format: "%04d", line))" }
        }
    }
}
