import Conversations
import Foundation

/// The body of `POST` and `PATCH /v1/contacts`.
struct ContactBody: Decodable, Sendable {
    var phoneNumber: String?
    var name: String?
    /// Nil where the key is absent; null clears.
    var email: String??
    var notes: String??

    private enum Key: String, CodingKey { case phoneNumber, name, email, notes }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        phoneNumber = try container.decodeIfPresent(String.self, forKey: .phoneNumber)
        name = try container.decodeIfPresent(String.self, forKey: .name)
        email = container.contains(.email) ? .some(try container.decodeIfPresent(String.self, forKey: .email)) : nil
        notes = container.contains(.notes) ? .some(try container.decodeIfPresent(String.self, forKey: .notes)) : nil
    }

    func check() throws(APIError) {
        if let phoneNumber, ParticipantAddress(phoneNumber)?.isPhoneNumber != true {
            throw .invalid("phoneNumber", "must be a phone number such as +15559876543")
        }
        if let name {
            guard !name.isEmpty else { throw .invalid("name", "must not be empty") }
            try checkText(name, field: "name")
        }
        if case .some(.some(let email)) = email {
            guard ParticipantAddress(email)?.kind == .email else {
                throw .invalid("email", "must be an e-mail address")
            }
        }
        if case .some(.some(let notes)) = notes { try checkText(notes, field: "notes") }
    }

    func apply(to contact: inout Contact) {
        if let phoneNumber, let address = ParticipantAddress(phoneNumber) { contact.phoneNumber = address.text }
        if let name { contact.name = name }
        if let email { contact.email = email }
        if let notes { contact.notes = notes }
    }
}

/// What a phone number can receive. Source: AgentPhone API reference, "Check capabilities".
struct CapabilityReport: Sendable, Hashable, Encodable {
    struct Capabilities: Sendable, Hashable, Encodable {
        var imessage: Bool
        var sms: Bool
    }

    var phoneNumber: String
    var capabilities: Capabilities
    var checkedAt: Timestamp
}

/// Where the registration for SMS (10DLC) stands. Source: AgentPhone API reference, "Registration status".
struct RegistrationStatus: Sendable, Hashable, Encodable {
    enum Campaign: String, Sendable, Encodable { case none, pending, approved }

    var campaign: Campaign
    var message: String
    var stage: String?

    private enum CodingKeys: String, CodingKey {
        case message, stage
        case campaign = "campaign_status"
    }

    /// Writes `stage` also where it is null.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(campaign, forKey: .campaign)
        try container.encode(message, forKey: .message)
        try container.encode(stage, forKey: .stage)
    }
}

extension Gateway {
    func contacts(search: String, limit: Int, offset: Int) async throws(APIError) -> ContactPage {
        try checkText(search, field: "search")
        return try await store.read { try ContactTable.page($0, search: search, limit: limit, offset: offset) }
    }

    func contact(_ id: String) async throws(APIError) -> Contact {
        try await store.read { database in
            guard let contact = try ContactTable.find(database, id: id) else { throw APIError.notFound("Contact") }
            return contact
        }
    }

    func createContact(_ body: ContactBody) async throws(APIError) -> Contact {
        try body.check()
        guard let number = body.phoneNumber else { throw .invalid("phoneNumber", "is missing") }
        guard let name = body.name else { throw .invalid("name", "is missing") }
        let now = timestamp
        var contact = Contact(
            id: Names.id("cont", at: now.microseconds), phoneNumber: number, name: name,
            createdAt: now.wholeMilliseconds, updatedAt: now.wholeMilliseconds)
        body.apply(to: &contact)
        return try await store.write { [contact] database in
            guard try ContactTable.find(database, phoneNumber: contact.phoneNumber) == nil else {
                throw APIError.duplicateContact
            }
            try ContactTable.insert(database, contact)
            return contact
        }
    }

    func updateContact(_ id: String, _ body: ContactBody) async throws(APIError) -> Contact {
        try body.check()
        let now = timestamp.wholeMilliseconds
        return try await store.write { database in
            guard var contact = try ContactTable.find(database, id: id) else { throw APIError.notFound("Contact") }
            body.apply(to: &contact)
            contact.updatedAt = now
            if let other = try ContactTable.find(database, phoneNumber: contact.phoneNumber), other.id != id {
                throw APIError.duplicateContact
            }
            try ContactTable.update(database, contact)
            return contact
        }
    }

    func deleteContact(_ id: String) async throws(APIError) {
        try await store.write { database in
            guard try ContactTable.find(database, id: id) != nil else { throw APIError.notFound("Contact") }
            try ContactTable.delete(database, id: id)
        }
    }

    func capabilities(of text: String?) async throws(APIError) -> CapabilityReport {
        guard let text else { throw .invalid("phone_number", "is missing") }
        guard let address = ParticipantAddress(text), address.kind != .group else {
            throw .invalid("phone_number", "must be a phone number")
        }
        let now = timestamp.wholeMilliseconds
        let imessage = try await store.read { try PhoneTable.supportsIMessage($0, address: address.text) }
        return CapabilityReport(
            phoneNumber: address.text,
            capabilities: CapabilityReport.Capabilities(
                imessage: imessage && address.kind != .shortCode, sms: address.kind != .email),
            checkedAt: now)
    }

    /// Approved once every number is registered.
    func registrationStatus() async throws(APIError) -> RegistrationStatus {
        let numbers = try await simulatedNumbers()
        let missing = numbers.filter { !$0.smsRegistered }.map(\.number)
        guard missing.isEmpty else {
            return RegistrationStatus(
                campaign: .none, message: "Not registered for SMS: \(missing.joined(separator: ", ")).", stage: nil)
        }
        return RegistrationStatus(campaign: .approved, message: "All numbers can send SMS.", stage: nil)
    }
}

extension APIError {
    /// Source: AgentPhone API reference, "Create contact".
    fileprivate static let duplicateContact = APIError(
        .conflict, "A contact with this phone number exists already.", status: 409, serverCode: "DUPLICATE_CONTACT")
}
