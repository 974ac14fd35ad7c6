import Foundation
import GRDB

extension StoreOperation {
    /// Why an operation did not take place.
    enum Refusal: Error {
        /// The caller's fault; recorded as the command's failure.
        case refused(CommandFailure)
        case database(any Error)
    }

    /// Performs the operation and returns its outcome, JSON.
    func perform(within quota: StoreQuota?, at time: Date, in database: Database) throws(Refusal) -> Data {
        do {
            switch self {
            case .get(let scope, let key):
                return try Self.value(scope, key, at: time, in: database) ?? Self.null
            case .set(let scope, let key, let value, let ttl):
                try quota?.admit(scope, key, value, at: time, in: database)
                try Self.put(scope, key, value, until: ttl.map { time.adding($0) }, in: database)
                return Self.null
            case .increment(let scope, let key, let step):
                let sum = try step.added(to: Self.value(scope, key, at: time, in: database), scope: scope, key: key)
                try quota?.admit(scope, key, sum, at: time, in: database)
                try Self.keepingLife(scope, key, sum, at: time, in: database)
                return sum
            case .compareAndSet(let scope, let key, let expected, let value):
                guard try Self.value(scope, key, at: time, in: database) == expected else { return Data("false".utf8) }
                try quota?.admit(scope, key, value, at: time, in: database)
                try Self.put(scope, key, value, until: nil, in: database)
                return Data("true".utf8)
            }
        } catch let failure as CommandFailure {
            throw .refused(failure)
        } catch {
            throw .database(error)
        }
    }

    static let null = Data("null".utf8)

    static func value(_ scope: String, _ key: String, at time: Date, in database: Database) throws -> Data? {
        let select = try database.cachedStatement(
            sql: "SELECT value FROM store WHERE scope = ? AND key = ? AND (expires_at IS NULL OR expires_at > ?)")
        return try Data.fetchOne(select, arguments: [scope, key, time.microseconds])
    }

    private static func put(
        _ scope: String, _ key: String, _ value: Data?, until end: Date?, in database: Database
    ) throws {
        guard let value else {
            let delete = try database.cachedStatement(sql: "DELETE FROM store WHERE scope = ? AND key = ?")
            return try delete.execute(arguments: [scope, key])
        }
        let insert = try database.cachedStatement(
            sql: """
                INSERT INTO store (scope, key, value, expires_at) VALUES (?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
                """)
        try insert.execute(arguments: [scope, key, value, end?.microseconds])
    }

    /// Sets a number without touching when it ends, unless it ended already.
    private static func keepingLife(
        _ scope: String, _ key: String, _ value: Data, at time: Date, in database: Database
    ) throws {
        let insert = try database.cachedStatement(
            sql: """
                INSERT INTO store (scope, key, value) VALUES (?, ?, ?)
                ON CONFLICT DO UPDATE SET value = excluded.value,
                  expires_at = CASE WHEN expires_at <= ? THEN NULL ELSE expires_at END
                """)
        try insert.execute(arguments: [scope, key, value, time.microseconds])
    }
}

extension StoreNumber {
    /// The sum as JSON. Integers stay integers; a sum with a fraction in it is a number.
    func added(to value: Data?, scope: String, key: String) throws -> Data {
        switch (self, try Self.read(value, scope, key)) {
        case (.integer(let step), .integer(let base)):
            let (sum, overflow) = base.addingReportingOverflow(step)
            guard !overflow else {
                throw CommandFailure(code: "out_of_range", message: "\(key) would leave the range of 64-bit integers")
            }
            return Data(String(sum).utf8)
        case (let step, let base):
            let sum = base.double + step.double
            guard sum.isFinite else {
                throw CommandFailure(code: "out_of_range", message: "\(key) would not be finite")
            }
            return Data("\(sum)".utf8)
        }
    }

    private var double: Double {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        }
    }

    private static func read(_ value: Data?, _ scope: String, _ key: String) throws -> StoreNumber {
        guard let value else { return .integer(0) }
        let text = String(decoding: value, as: UTF8.self)
        if let integer = Int64(text) { return .integer(integer) }
        if let number = Double(text), number.isFinite { return .number(number) }
        throw CommandFailure(
            code: "not_a_number", message: "\(key) holds \(text.prefix(80)), which can't be incremented")
    }
}
