import Conversations
import DurableExecution
import Foundation

/// A command's input and outcome in few words.
enum CommandWords {
    /// Fields that say where a command acts, which a person following one conversation knows.
    private static let quiet: Set<String> = [
        "conversation_id", "number_id", "agent_id", "number", "to", "message_id", "metadata", "id", "reply_to",
        "unless_reply",
    ]

    static func input(_ command: Command) -> String {
        guard let json = try? JSONValue(parsing: command.input), case .object(var fields) = json else { return "" }
        // One step is what everybody means.
        if fields["by"] == 1 { fields["by"] = nil }
        return words(fields)
    }

    static func outcome(_ data: Data, of command: Command) -> String {
        guard let json = try? JSONValue(parsing: data) else { return "" }
        if let value = json["value"] { return " → \(text(value))" }
        if let id = json["id"]?.string { return " → \(id)" }
        if json == .null, (try? JSONValue(parsing: command.input))?["unless_reply"] != nil {
            return " → not sent: they wrote in the meantime"
        }
        switch json {
        case .object, .array, .null: return ""
        default: return " → \(text(json))"
        }
    }

    private static func words(_ fields: [String: JSONValue]) -> String {
        fields.filter { !quiet.contains($0.key) && $0.value != .null && $0.value != .string("") }
            .sorted { $0.key < $1.key }
            .map { key, value in value.string.map { $0.isEmpty ? key : "\"\(shortened($0))\"" } ?? text(value) }
            .joined(separator: " ")
    }

    private static func text(_ value: JSONValue) -> String {
        shortened((try? value.text()).map { String(decoding: $0, as: UTF8.self) } ?? "?")
    }

    private static func shortened(_ text: String) -> String {
        (text.count > 100 ? text.prefix(99) + "…" : text).visible
    }
}
