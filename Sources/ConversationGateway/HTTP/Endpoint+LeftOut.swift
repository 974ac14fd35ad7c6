import HTTPTypes
import Hummingbird

extension Endpoint {
    /// What AgentPhone documents and the gateway does not serve. Source: AgentPhone API reference.
    static let leftOut = [
        notServed(
            .post, "/v1/conversations/{conversation_id}/background", "setBackground",
            reason: "a conversation's background picture changes nothing that a rule sees"),
        notServed(
            .delete, "/v1/conversations/{conversation_id}/background", "deleteBackground",
            reason: "a conversation's background picture changes nothing that a rule sees"),
        notServed(.get, "/v1/calls", "listCalls", reason: "it plays texting, not calls"),
        notServed(.post, "/v1/calls", "createCall", reason: "it plays texting, not calls"),
        notServed(.get, "/v1/calls/{call_id}", "getCall", reason: "it plays texting, not calls"),
    ]
}
