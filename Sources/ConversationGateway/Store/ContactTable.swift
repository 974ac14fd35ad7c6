import Conversations
import GRDB

/// An entry of the project's address book. Source: AgentPhone API reference, contacts.
struct Contact: Sendable, Hashable, Encodable {
    var id: String
    var phoneNumber: String
    var name: String
    var email: String?
    var notes: String?
    var createdAt: Timestamp
    var updatedAt: Timestamp

    private enum CodingKeys: String, CodingKey { case id, phoneNumber, name, email, notes, createdAt, updatedAt }

    /// Writes nulls.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(phoneNumber, forKey: .phoneNumber)
        try container.encode(name, forKey: .name)
        try container.encode(email, forKey: .email)
        try container.encode(notes, forKey: .notes)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(updatedAt, forKey: .updatedAt)
    }
}

struct ContactPage: Sendable, Hashable, Encodable {
    var data: [Contact]
    var hasMore: Bool
    var total: Int
}

enum ContactTable {
    private static let select = "SELECT id, phone_number, name, email, notes, created_at, updated_at FROM contact"

    static func find(_ database: Database, id: String) throws -> Contact? {
        let statement = try database.cachedStatement(sql: select + " WHERE id = ?")
        return try Row.fetchOne(statement, arguments: [id]).map(Contact.init)
    }

    static func find(_ database: Database, phoneNumber: String) throws -> Contact? {
        let statement = try database.cachedStatement(sql: select + " WHERE phone_number = ?")
        return try Row.fetchOne(statement, arguments: [phoneNumber]).map(Contact.init)
    }

    /// The first contact with this number or e-mail address.
    static func find(_ database: Database, address: String) throws -> Contact? {
        guard address.contains("@") else { return try find(database, phoneNumber: address) }
        let statement = try database.cachedStatement(sql: select + " WHERE lower(email) = ? ORDER BY row LIMIT 1")
        return try Row.fetchOne(statement, arguments: [address]).map(Contact.init)
    }

    /// Contacts in the order of their making.
    ///
    /// - Parameter search: A part of the name, the number or the e-mail address; all contacts if empty.
    static func page(_ database: Database, search: String, limit: Int, offset: Int) throws -> ContactPage {
        let condition = """
             WHERE ?1 = '' OR instr(lower(name), lower(?1)) OR instr(phone_number, ?1) OR instr(lower(email), lower(?1))
            """
        let statement = try database.cachedStatement(sql: select + condition + " ORDER BY row LIMIT ?2 OFFSET ?3")
        let data = try Row.fetchAll(statement, arguments: [search, limit, offset]).map(Contact.init)
        let count = try database.cachedStatement(sql: "SELECT COUNT(*) FROM contact" + condition)
        let total = try Int.fetchOne(count, arguments: [search]) ?? 0
        return ContactPage(data: data, hasMore: offset < total && offset + data.count < total, total: total)
    }

    static func insert(_ database: Database, _ contact: Contact) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO contact (id, phone_number, name, email, notes, created_at, updated_at)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            contact.id, contact.phoneNumber, contact.name, contact.email, contact.notes,
            contact.createdAt.microseconds, contact.updatedAt.microseconds,
        ])
    }

    static func update(_ database: Database, _ contact: Contact) throws {
        try database.cachedStatement(
            sql: "UPDATE contact SET phone_number = ?, name = ?, email = ?, notes = ?, updated_at = ? WHERE id = ?"
        ).execute(arguments: [
            contact.phoneNumber, contact.name, contact.email, contact.notes, contact.updatedAt.microseconds,
            contact.id,
        ])
    }

    static func delete(_ database: Database, id: String) throws {
        try database.cachedStatement(sql: "DELETE FROM contact WHERE id = ?").execute(arguments: [id])
    }
}

extension Contact {
    fileprivate init(_ row: Row) {
        self.init(
            id: row[0], phoneNumber: row[1], name: row[2], email: row[3], notes: row[4],
            createdAt: Timestamp(microseconds: row[5]), updatedAt: Timestamp(microseconds: row[6]))
    }
}
