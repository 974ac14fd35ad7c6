import Conversations
import GRDB

enum PhoneTable {
    static func find(_ database: Database, address: String) throws -> SimulatedPhone? {
        let statement = try database.cachedStatement(
            sql: "SELECT address, imessage, created_at FROM phone WHERE address = ?")
        return try Row.fetchOne(statement, arguments: [address]).map(SimulatedPhone.init)
    }

    static func all(_ database: Database) throws -> [SimulatedPhone] {
        let statement = try database.cachedStatement(
            sql: "SELECT address, imessage, created_at FROM phone ORDER BY created_at, address")
        return try Row.fetchAll(statement).map(SimulatedPhone.init)
    }

    static func put(_ database: Database, _ phone: SimulatedPhone) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO phone (address, imessage, created_at) VALUES (?, ?, ?)
                ON CONFLICT (address) DO UPDATE SET imessage = excluded.imessage
                """
        ).execute(arguments: [phone.address, phone.imessage, phone.createdAt.microseconds])
    }

    /// Whether a message to or from this address goes by iMessage.
    ///
    /// A phone that nobody set up is taken for one that can: it shows the most, and e-mail addresses can do nothing
    /// else. Whoever wants SMS says so with `POST /sim/phones`.
    static func supportsIMessage(_ database: Database, address: String) throws -> Bool {
        try find(database, address: address)?.imessage ?? true
    }
}

extension SimulatedPhone {
    fileprivate init(_ row: Row) {
        self.init(address: row[0], imessage: row[1], createdAt: Timestamp(microseconds: row[2]))
    }
}
