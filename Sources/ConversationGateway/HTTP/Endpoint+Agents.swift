import Conversations
import HTTPTypes
import Hummingbird

extension Endpoint {
    static let agents = [
        Endpoint(.get, "/v1/agents", "listAgents") { call throws(APIError) in
            let limit = try call.integer(Bounds.conversationLimit)
            let offset = try call.integer(Bounds.offset)
            return try call.json(try await call.gateway.agents(limit: limit, offset: offset))
        },
        Endpoint(.post, "/v1/agents", "createAgent") { call throws(APIError) in
            let body = try await call.body(AgentBody.self)
            return try call.json(try await call.gateway.createAgent(body))
        },
        Endpoint(.get, "/v1/agents/{agent_id}", "getAgent") { call throws(APIError) in
            try call.json(try await call.gateway.agent(call.agentID))
        },
        Endpoint(.patch, "/v1/agents/{agent_id}", "updateAgent") { call throws(APIError) in
            let body = try await call.body(AgentBody.self)
            return try call.json(try await call.gateway.updateAgent(call.agentID, body))
        },
        Endpoint(.delete, "/v1/agents/{agent_id}", "deleteAgent") { call throws(APIError) in
            try await call.gateway.deleteAgent(call.agentID)
            return try call.json(["success": true])
        },
        Endpoint(.get, "/v1/agents/{agent_id}/conversations", "listAgentConversations") { call throws(APIError) in
            let limit = try call.integer(Bounds.conversationLimit)
            let offset = try call.integer(Bounds.offset)
            let page = try await call.gateway.conversations(ofAgent: call.agentID, limit: limit, offset: offset)
            return try call.json(AgentConversationPage(page))
        },
        Endpoint(.post, "/v1/agents/{agent_id}/numbers", "attachNumber") { call throws(APIError) in
            let body = try await call.body(AttachBody.self)
            let number = try await call.gateway.attach(number: body.numberId, toAgent: call.agentID)
            return try call.json(AttachedNumber(agentId: call.agentID, number: NumberItem(number: number)))
        },
        Endpoint(.delete, "/v1/agents/{agent_id}/numbers/{number_id}", "detachNumber") { call throws(APIError) in
            try await call.gateway.detach(number: call.part("number_id"), fromAgent: call.agentID)
            return try call.json(["success": true])
        },
    ]

    static let numbers = [
        Endpoint(.get, "/v1/numbers", "listNumbers") { call throws(APIError) in
            let limit = try call.integer(Bounds.conversationLimit)
            let offset = try call.integer(Bounds.offset)
            return try call.json(try await call.gateway.numbers(limit: limit, offset: offset))
        },
        Endpoint(.post, "/v1/numbers", "createNumber") { call throws(APIError) in
            let body = try await call.body(NumberBody.self)
            return try call.json(try await call.gateway.createNumber(body))
        },
        Endpoint(.delete, "/v1/numbers/{number_id}", "releaseNumber") { call throws(APIError) in
            try await call.gateway.releaseNumber(call.part("number_id"))
            return try call.json(["success": true])
        },
        Endpoint(.get, "/v1/numbers/{number_id}/messages", "listNumberMessages") { call throws(APIError) in
            let limit = try call.integer(Bounds.messageLimit)
            let before = try call.timestamp("before")
            let after = try call.timestamp("after")
            return try call.json(
                try await call.gateway.messages(
                    ofNumber: call.part("number_id"), limit: limit, before: before, after: after))
        },
        Endpoint(.get, "/sim/numbers", "listSimulatedNumbers", access: .simulation) { call throws(APIError) in
            try call.json(["data": try await call.gateway.simulatedNumbers()])
        },
        Endpoint(.post, "/sim/numbers", "putSimulatedNumber", access: .simulation) { call throws(APIError) in
            let body = try await call.body(SimulatedNumberBody.self)
            return try call.json(try await call.gateway.putNumber(body))
        },
    ]
}

extension Call {
    var agentID: String { part("agent_id") }
}

private struct AttachBody: Decodable {
    var numberId: String
}

private struct AttachedNumber: Encodable {
    var agentId: String
    var number: NumberItem
}
