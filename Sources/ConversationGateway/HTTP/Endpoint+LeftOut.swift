import HTTPTypes
import Hummingbird

extension Endpoint {
    /// What AgentPhone documents and the gateway does not serve. Source: AgentPhone API reference.
    static let leftOut = [
        later(.get, "/v1/agents", "listAgents"), later(.post, "/v1/agents", "createAgent"),
        later(.get, "/v1/agents/{agent_id}", "getAgent"), later(.patch, "/v1/agents/{agent_id}", "updateAgent"),
        later(.delete, "/v1/agents/{agent_id}", "deleteAgent"),
        later(.post, "/v1/agents/{agent_id}/numbers", "attachNumber"),
        later(.delete, "/v1/agents/{agent_id}/numbers/{number_id}", "detachNumber"),
        later(.get, "/v1/agents/{agent_id}/conversations", "listAgentConversations"),
        later(.get, "/v1/agents/{agent_id}/webhook", "getAgentWebhook"),
        later(.post, "/v1/agents/{agent_id}/webhook", "setAgentWebhook"),
        later(.delete, "/v1/agents/{agent_id}/webhook", "deleteAgentWebhook"),
        later(.get, "/v1/agents/{agent_id}/webhook/deliveries", "listAgentDeliveries"),
        later(.post, "/v1/agents/{agent_id}/webhook/test", "testAgentWebhook"),
        later(.get, "/v1/numbers", "listNumbers"), later(.post, "/v1/numbers", "createNumber"),
        later(.get, "/v1/numbers/{number_id}/messages", "listNumberMessages"),
        later(.get, "/v1/contacts", "listContacts"), later(.post, "/v1/contacts", "createContact"),
        later(.get, "/v1/contacts/capabilities", "getCapabilities"),
        later(.get, "/v1/contacts/{contact_id}", "getContact"),
        later(.patch, "/v1/contacts/{contact_id}", "updateContact"),
        later(.delete, "/v1/contacts/{contact_id}", "deleteContact"),
        later(.get, "/v1/webhooks/deliveries", "listDeliveries"),
        later(.get, "/v1/webhooks/deliveries/stats", "getDeliveryStats"),
        later(.get, "/v1/webhooks/deliveries/all-time", "getAllTimeDeliveryStats"),
        later(.post, "/v1/webhooks/test", "testWebhook"),
        later(.get, "/v1/register/status", "getRegistrationStatus"),
        later(.post, "/v1/conversations/{conversation_id}/background", "setBackground"),
        later(.delete, "/v1/conversations/{conversation_id}/background", "deleteBackground"),
        .notServed(.get, "/v1/calls", "listCalls", reason: "it simulates texting, not calls"),
        .notServed(.post, "/v1/calls", "createCall", reason: "it simulates texting, not calls"),
    ]

    private static func later(_ method: HTTPRequest.Method, _ path: String, _ name: String) -> Endpoint {
        notServed(method, path, name, reason: "not yet")
    }
}
