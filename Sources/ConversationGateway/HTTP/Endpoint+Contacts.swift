import Conversations
import HTTPTypes
import Hummingbird

extension Endpoint {
    static let contacts = [
        Endpoint(.get, "/v1/contacts", "listContacts") { call throws(APIError) in
            let limit = try call.integer(Bounds.contactLimit)
            let offset = try call.integer(Bounds.offset)
            let search = call.query("search") ?? ""
            return try call.json(try await call.gateway.contacts(search: search, limit: limit, offset: offset))
        },
        // The only 201 of the API. Source: AgentPhone reference "Error handling".
        Endpoint(.post, "/v1/contacts", "createContact") { call throws(APIError) in
            let body = try await call.body(ContactBody.self)
            return try call.json(try await call.gateway.createContact(body), status: .created)
        },
        Endpoint(.get, "/v1/contacts/capabilities", "getCapabilities") { call throws(APIError) in
            try call.json(try await call.gateway.capabilities(of: call.query("phone_number")))
        },
        Endpoint(.get, "/v1/contacts/{contact_id}", "getContact") { call throws(APIError) in
            try call.json(try await call.gateway.contact(call.part("contact_id")))
        },
        Endpoint(.patch, "/v1/contacts/{contact_id}", "updateContact") { call throws(APIError) in
            let body = try await call.body(ContactBody.self)
            return try call.json(try await call.gateway.updateContact(call.part("contact_id"), body))
        },
        Endpoint(.delete, "/v1/contacts/{contact_id}", "deleteContact") { call throws(APIError) in
            try await call.gateway.deleteContact(call.part("contact_id"))
            return Response(status: .noContent)
        },
        Endpoint(.get, "/v1/register/status", "getRegistrationStatus") { call throws(APIError) in
            try call.json(try await call.gateway.registrationStatus())
        },
    ]
}
