import Conversations
import HTTPTypes
import Hummingbird

extension Endpoint {
    static let deliveries = [
        Endpoint(.get, "/v1/webhooks/deliveries", "listDeliveries") { call throws(APIError) in
            let hours = try call.optionalInteger(Bounds.hours)
            let limit = try call.integer(Bounds.deliveryLimit)
            let offset = try call.integer(Bounds.offset)
            return try call.json(
                try await call.gateway.deliveries(.project, hours: hours, limit: limit, offset: offset))
        },
        Endpoint(.get, "/v1/webhooks/deliveries/stats", "getDeliveryStats") { call throws(APIError) in
            let hours = try call.integer(Bounds.hours)
            return try call.json(try await call.gateway.deliveryStats(hours: hours))
        },
        Endpoint(.get, "/v1/webhooks/deliveries/all-time", "getAllTimeDeliveryStats") { call throws(APIError) in
            try call.json(try await call.gateway.allTimeDeliveryStats())
        },
        Endpoint(.post, "/v1/webhooks/test", "testWebhook") { call throws(APIError) in
            // The agent's webhook, where the query names one. Source: AgentPhone API reference, "Test webhook".
            guard let id = call.query("agentId") else { return try await call.testWebhook(.project) }
            return try await call.testWebhook(try await call.gateway.requireAgent(id))
        },
    ]

    static let agentWebhooks = [
        Endpoint(.get, "/v1/agents/{agent_id}/webhook", "getAgentWebhook") { call throws(APIError) in
            let scope = try await call.gateway.requireAgent(call.agentID)
            return try call.json(try await call.gateway.webhook(scope))
        },
        Endpoint(.post, "/v1/agents/{agent_id}/webhook", "setAgentWebhook") { call throws(APIError) in
            let request = try await call.body(WebhookBody.self).request
            let scope = try await call.gateway.requireAgent(call.agentID)
            return try call.json(try await call.gateway.setWebhook(request, for: scope))
        },
        Endpoint(.delete, "/v1/agents/{agent_id}/webhook", "deleteAgentWebhook") { call throws(APIError) in
            let scope = try await call.gateway.requireAgent(call.agentID)
            try await call.gateway.deleteWebhook(for: scope)
            return try call.json(["success": true])
        },
        // A bare list. Source: AgentPhone API reference, "List agent webhook deliveries".
        Endpoint(.get, "/v1/agents/{agent_id}/webhook/deliveries", "listAgentDeliveries") { call throws(APIError) in
            let limit = try call.integer(Bounds.deliveryLimit)
            let scope = try await call.gateway.requireAgent(call.agentID)
            let page = try await call.gateway.deliveries(scope, hours: nil, limit: limit, offset: 0)
            return try call.json(page.items)
        },
        Endpoint(.post, "/v1/agents/{agent_id}/webhook/test", "testAgentWebhook") { call throws(APIError) in
            try await call.testWebhook(try await call.gateway.requireAgent(call.agentID))
        },
    ]
}

extension Call {
    fileprivate func testWebhook(_ scope: WebhookScope) async throws(APIError) -> Response {
        let body = try await optionalBody(WebhookTestBody.self)
        return try json(try await gateway.testWebhook(scope, body ?? WebhookTestBody()))
    }
}
