import Conversations
import CustomDump
import Foundation
import HTTPTypes
import Testing

@testable import ConversationGateway

@Suite struct OpenAPIDocumentTests {
    @Test func `the description has each endpoint, and nothing besides`() async throws {
        let fixture = try GatewayFixture()
        let document = try await fixture.routes { try await $0("GET", "/openapi.json", key: .none) }.json
        guard case .object(let paths)? = document["paths"] else {
            Issue.record("no paths")
            return
        }
        let described = paths.flatMap { path, operations -> [String] in
            guard case .object(let operations) = operations else { return [] }
            return operations.keys.map { "\($0.uppercased()) \(path)" }
        }
        expectNoDifference(Set(described), Set(Endpoint.all.map { "\($0.method.rawValue) \($0.path)" }))
        expectNoDifference(Set(OperationDescription.all.keys), Set(Endpoint.all.map(\.name)))
        expectNoDifference(document["openapi"], "3.1.0")
    }

    @Test func `each schema that is named exists, and each that exists is named`() throws {
        let text = String(decoding: try OpenAPIDocument.json.text(), as: UTF8.self)
        let named = text.matches(of: /#\/components\/schemas\/([A-Za-z]+)/).map { String($0.output.1) }
        expectNoDifference(Set(named), Set(OpenAPISchemas.all.keys))
    }

    @Test(
        arguments: [
            (.object(["id": "a"]), #"{"type":"object","required":["id","b"]}"#, false),
            (
                .object(["id": "a", "c": 1]), #"{"type":"object","properties":{"id":{}},"additionalProperties":false}"#,
                false
            ),
            (.array([1, "a"]), #"{"type":"array","items":{"type":"integer"}}"#, false),
            (nil, #"{"type":["string","null"]}"#, true), (1.5, #"{"type":"integer"}"#, false),
            (1, #"{"type":"number"}"#, true),
            ("x", #"{"enum":["y"]}"#, false), ("2025", #"{"type":"string","format":"date-time"}"#, false),
            (nil, #"{"anyOf":[{"type":"object"},{"type":"null"}]}"#, true),
        ] as [(JSONValue, String, Bool)])
    func `the check of the contract finds what differs`(value: JSONValue, schema: String, fits: Bool) throws {
        let schema = try JSONValue(parsing: Data(schema.utf8))
        expectNoDifference(Contract.problems(value, schema, at: "body").isEmpty, fits)
    }
}
