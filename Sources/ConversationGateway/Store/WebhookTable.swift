import Conversations
import GRDB

/// Whose webhook it is: the project's, or one agent's own, which takes the place of the project's.
///
/// Source: AgentPhone guide "Agent webhooks": an event goes to one endpoint, never to both.
struct WebhookScope: RawRepresentable, Sendable, Hashable {
    /// Empty for the project, else the agent's id.
    var rawValue: String
    static let project = WebhookScope(rawValue: "")
    static func agent(_ id: String) -> WebhookScope { WebhookScope(rawValue: id) }
}

enum WebhookTable {
    private static let select = "SELECT id, url, secret, context_limit, timeout, created_at FROM webhook"

    static func find(_ database: Database, _ scope: WebhookScope) throws -> Webhook? {
        let statement = try database.cachedStatement(sql: select + " WHERE scope = ?")
        return try Row.fetchOne(statement, arguments: [scope.rawValue]).map(Webhook.init)
    }

    /// Where events of an agent go: to its own webhook if it has one, else to the project's.
    static func target(
        _ database: Database, agentID: String?
    ) throws -> (scope: WebhookScope, webhook: Webhook)? {
        if let agentID, let own = try find(database, .agent(agentID)) { return (.agent(agentID), own) }
        return try find(database, .project).map { (.project, $0) }
    }

    /// Sets or replaces a webhook; it keeps its id, and its deliveries go on at the new place.
    static func put(_ database: Database, _ scope: WebhookScope, _ webhook: Webhook) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO webhook (scope, id, url, secret, context_limit, timeout, created_at)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (scope) DO UPDATE SET url = excluded.url, secret = excluded.secret,
                    context_limit = excluded.context_limit, timeout = excluded.timeout
                """
        ).execute(arguments: [
            scope.rawValue, webhook.id.rawValue, webhook.url, webhook.secret, webhook.contextLimit, webhook.timeout,
            webhook.createdAt.microseconds,
        ])
    }

    static func delete(_ database: Database, _ scope: WebhookScope) throws {
        try database.cachedStatement(sql: "DELETE FROM webhook WHERE scope = ?").execute(arguments: [scope.rawValue])
    }

    static func scopes(_ database: Database) throws -> [WebhookScope] {
        try String.fetchAll(database.cachedStatement(sql: "SELECT scope FROM webhook ORDER BY scope"))
            .map(WebhookScope.init(rawValue:))
    }
}

extension Webhook {
    fileprivate init(_ row: Row) {
        self.init(
            id: Webhook.ID(row[0]), url: row[1], secret: row[2], status: "active", contextLimit: row[3],
            timeout: row[4], createdAt: Timestamp(microseconds: row[5]))
    }
}
