import Conversations
import Foundation
import HTTPTypes

/// The description of all endpoints in OpenAPI 3.1, made from the endpoints themselves.
///
/// Source of the form: https://spec.openapis.org/oas/v3.1.0
enum OpenAPIDocument {
    static let json: JSONValue = {
        var paths: [String: JSONValue] = [:]
        for endpoint in Endpoint.all {
            guard let description = OperationDescription.all[endpoint.name] else { continue }
            var operations = paths[endpoint.path]?.members ?? [:]
            operations[endpoint.method.rawValue.lowercased()] = operation(endpoint, description)
            paths[endpoint.path] = .object(operations)
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Tidewire gateway", "version": "1",
                "description": "The conversations API of AgentPhone, served locally, with simulated phones under /sim.",
            ],
            "paths": .object(paths),
            "components": [
                "schemas": .object(OpenAPISchemas.all),
                "securitySchemes": [
                    "apiKey": ["type": "http", "scheme": "bearer"], "simulation": ["type": "http", "scheme": "bearer"],
                ],
            ],
        ]
    }()

    /// The statuses that an endpoint answers with, as far as they follow from its form.
    static func errorStatuses(_ endpoint: Endpoint, _ description: OperationDescription) -> Set<Int> {
        var statuses = Set(description.errors)
        guard endpoint.access != .open || endpoint.path.contains("{") else { return statuses }
        statuses.insert(503)
        if endpoint.access == .apiKey { statuses.formUnion([401, 429]) }
        if endpoint.access == .simulation { statuses.formUnion([401, 403]) }
        if endpoint.path.contains("{") { statuses.insert(404) }
        if !description.query.isEmpty { statuses.insert(422) }
        if description.body != nil { statuses.formUnion([400, 413, 422]) }
        if endpoint.method != .get { statuses.insert(507) }
        return statuses
    }

    private static func operation(_ endpoint: Endpoint, _ description: OperationDescription) -> JSONValue {
        var operation: [String: JSONValue] = [
            "operationId": .string(endpoint.name), "summary": .string(description.summary),
            "parameters": .array(parameters(endpoint, description)),
            "responses": .object(responses(endpoint, description)),
        ]
        if endpoint.isLeftOut { operation["tags"] = ["left out"] }
        switch endpoint.access {
        case .apiKey: operation["security"] = [["apiKey": []]]
        case .simulation: operation["security"] = [["simulation": []]]
        case .open: operation["security"] = []
        }
        switch description.body {
        case .json(let schema, let isRequired):
            operation["requestBody"] = [
                "required": .boolean(isRequired), "content": ["application/json": ["schema": reference(schema)]],
            ]
        case .bytes:
            operation["requestBody"] = [
                "required": true, "content": ["application/octet-stream": ["schema": [:]]],
            ]
        case nil: break
        }
        return .object(operation)
    }

    private static func parameters(_ endpoint: Endpoint, _ description: OperationDescription) -> [JSONValue] {
        let names = endpoint.path.split(separator: "/").filter { $0.hasPrefix("{") }.map { $0.dropFirst().dropLast() }
        let parts = names.map { name -> JSONValue in
            [
                "name": .string(String(name)), "in": "path", "required": true,
                "schema": ["type": "string", "minLength": 1],
            ]
        }
        return parts
            + description.query.map { parameter in
                var required = false
                let schema: JSONValue
                switch parameter {
                case .integer(let bounds):
                    schema = [
                        "type": "integer", "minimum": .integer(Int64(bounds.range.lowerBound)),
                        "maximum": .integer(Int64(bounds.range.upperBound)),
                        "default": .integer(Int64(bounds.fallback)),
                    ]
                case .datetime: schema = ["type": "string", "format": "date-time"]
                case .text(_, let isRequired):
                    required = isRequired
                    schema = ["type": "string"]
                }
                return [
                    "name": .string(parameter.name), "in": "query", "required": .boolean(required), "schema": schema,
                ]
            }
    }

    private static func responses(_ endpoint: Endpoint, _ description: OperationDescription) -> [String: JSONValue] {
        var responses: [String: JSONValue] = [:]
        for status in errorStatuses(endpoint, description) {
            responses[String(status)] = response("An error.", reference("Error"))
        }
        switch description.answer {
        case .json(let schema, let status): responses[String(status)] = response("Done.", reference(schema))
        case .optionalJSON(let schema):
            responses["200"] = response("Done.", ["anyOf": [reference(schema), ["type": "null"]]])
        case .list(let schema): responses["200"] = response("Done.", ["type": "array", "items": reference(schema)])
        case .empty(let status): responses[String(status)] = ["description": "Done."]
        case .bytes:
            for status in ["200", "206", "304", "416"] { responses[status] = ["description": "See RFC 9110."] }
        }
        return responses
    }

    private static func response(_ text: String, _ schema: JSONValue) -> JSONValue {
        ["description": .string(text), "content": ["application/json": ["schema": schema]]]
    }

    private static func reference(_ schema: String) -> JSONValue {
        ["$ref": .string("#/components/schemas/\(schema)")]
    }
}

extension JSONValue {
    fileprivate var members: [String: JSONValue]? {
        guard case .object(let members) = self else { return nil }
        return members
    }
}
