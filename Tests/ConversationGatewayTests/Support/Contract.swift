import Conversations
import Foundation
import HTTPTypes
import Testing

@testable import ConversationGateway

/// Holds answers against the gateway's own description of itself.
enum Contract {
    private static let document = OpenAPIDocument.json

    /// Records an issue for a status that is not described, and for a body of another shape than described.
    static func check(_ method: String, _ path: String, _ answer: Caller.Answer) {
        let path = String(path.prefix { $0 != "?" })
        // The most literal path is the one that serves.
        let fitting = Endpoint.all.filter { $0.matches(path: path) }
        let placeholders = fitting.map(\.placeholderCount).min()
        let endpoint = fitting.first { $0.placeholderCount == placeholders && $0.method.rawValue == method }
        guard let endpoint else {
            report(problems(answer.json, schema("Error"), at: "body"), method, path)
            return
        }
        // A fault answers with whatever it was told to.
        if answer.json["error"]?.text("message").hasPrefix("This fails on demand") == true { return }
        let operation = document["paths"]?[endpoint.path]?[method.lowercased()]
        guard let response = operation?["responses"]?["\(answer.status)"] else {
            Issue.record("\(method) \(path): the status \(answer.status) is not described")
            return
        }
        guard let shape = response["content"]?["application/json"]?["schema"] else { return }
        report(problems(answer.json, shape, at: "body"), method, path)
    }

    private static func report(_ problems: [String], _ method: String, _ path: String) {
        guard !problems.isEmpty else { return }
        Issue.record("\(method) \(path): \(problems.joined(separator: "; "))")
    }

    static func schema(_ name: String) -> JSONValue { ["$ref": .string("#/components/schemas/\(name)")] }

    /// What of `value` is not as `schema` says, by the part of JSON Schema that the description uses.
    static func problems(_ value: JSONValue, _ schema: JSONValue, at path: String) -> [String] {
        if let reference = schema["$ref"]?.string {
            let name = String(reference.split(separator: "/").last ?? "")
            guard let target = document["components"]?["schemas"]?[name] else { return ["no schema \(name)"] }
            return problems(value, target, at: path)
        }
        if case .array(let choices)? = schema["anyOf"] {
            let all = choices.map { problems(value, $0, at: path) }
            return all.contains([]) ? [] : all.first ?? []
        }
        var found: [String] = []
        if let constant = schema["const"], constant != value { found.append("\(path) is not \(constant)") }
        if case .array(let values)? = schema["enum"], !values.contains(value) { found.append("\(path) is \(value)") }
        if let type = schema["type"], !fits(value, type) { return found + ["\(path) is \(value), not \(type)"] }
        if schema["format"] == "date-time", let text = value.string, Timestamp(text) == nil {
            found.append("\(path) is no timestamp")
        }
        return found + members(value, schema, at: path)
    }

    private static func members(_ value: JSONValue, _ schema: JSONValue, at path: String) -> [String] {
        switch value {
        case .array(let items):
            guard let shape = schema["items"] else { return [] }
            return items.enumerated().flatMap { problems($1, shape, at: "\(path).\($0)") }
        case .object(let members):
            var found: [String] = []
            if case .array(let required)? = schema["required"] {
                found += required.compactMap(\.string).filter { members[$0] == nil }.map { "\(path).\($0) is missing" }
            }
            for (key, member) in members {
                if let shape = schema["properties"]?[key] {
                    found += problems(member, shape, at: "\(path).\(key)")
                } else if schema["additionalProperties"] == false {
                    found.append("\(path).\(key) is not described")
                } else if let shape = schema["additionalProperties"] {
                    found += problems(member, shape, at: "\(path).\(key)")
                }
            }
            return found
        default: return []
        }
    }

    private static func fits(_ value: JSONValue, _ type: JSONValue) -> Bool {
        if case .array(let types) = type { return types.contains { fits(value, $0) } }
        switch (value, type.string) {
        case (.null, "null"), (.boolean, "boolean"), (.integer, "integer"), (.integer, "number"), (.number, "number"),
            (.string, "string"), (.array, "array"), (.object, "object"):
            return true
        default: return false
        }
    }
}
