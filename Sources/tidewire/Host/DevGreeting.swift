import ConversationGateway
import Foundation
import Packs
import Rules

/// What `tidewire dev` says once it is up, with what to try.
struct DevGreeting {
    var configuration: TidewireConfiguration
    var packs: [RulePack]
    var gatewayURL: String
    var webhookURL: String?
    var state: StateDirectory
    var sample: SampleConversation?
    /// How this program was called.
    var program = CommandLine.arguments.first ?? "tidewire"
    var palette = Palette.standard

    var lines: [String] {
        var lines = ["", palette.bold("Tidewire \(Tidewire.version) is up.")]
        lines.append("  gateway   \(gatewayURL)  (API key in \(state.path)/keys.json)")
        if let webhookURL { lines.append("  webhooks  \(webhookURL)") }
        if configuration.source.polls {
            lines.append("  polling   every \(DurationText.format(configuration.poll.interval))")
        }
        if configuration.isDryRun { lines.append("  dry run   nothing is sent or changed") }
        for pack in packs {
            lines.append("  rules     \(pack.name) \(pack.pack.manifest.version): \(names(pack))")
        }
        lines += ["", "Save a rule and the next event is treated the new way. Try, in another terminal:", ""]
        lines += commands.map { "  " + palette.bold($0) }
        if let sample { lines += [""] + SampleRequests(sample: sample, url: gatewayURL, state: state).lines }
        return lines + ["", "What happens is shown below. Stop with Control-C.", ""]
    }

    private func names(_ pack: RulePack) -> String {
        pack.rules.map { String($0.name.split(separator: ":").last ?? "") }.joined(separator: ", ")
    }

    private var commands: [String] {
        let folder = TidewireConfiguration().stateDirectory
        let isDefault = state.path == absolutePath(folder, in: FileManager.default.currentDirectoryPath)
        let flag = isDefault ? "" : " --state-directory \(state.path)"
        let photo = "examples/photos/fixtures/beach.png"
        let image = FileManager.default.fileExists(atPath: photo) ? " --image \(photo)" : ""
        return [
            "\(program) trigger message\(flag) --from +15559876543 --body \"Look at this!\"\(image)",
            "\(program) trigger message\(flag) --from +15559876543 --body \"Where is my order?\"",
        ]
    }
}

/// The documented requests, ready to be pasted, with the ids of a conversation that is there.
struct SampleRequests {
    let sample: SampleConversation
    let url: String
    let state: StateDirectory

    var lines: [String] {
        let conversation = "\(url)/v1/conversations/\(sample.conversationID)"
        return [
            "A sample conversation is \(sample.conversationID), its photo \(sample.photoMessageID). The guide's requests:",
            "",
            "  export KEY=$(sed -n 's/.*\"api_key\" *: *\"\\([^\"]*\\)\".*/\\1/p' '\(state.path)/keys.json')",
            "  curl \"\(url)/v1/conversations?limit=10&offset=0\" -H \"Authorization: Bearer $KEY\"",
            "  curl \"\(conversation)?message_limit=20\" -H \"Authorization: Bearer $KEY\"",
            "  curl -X PATCH \"\(conversation)\" -H \"Authorization: Bearer $KEY\" -H \"Content-Type: application/json\" \\",
            "    -d '{\"metadata\": {\"customerName\": \"Jane Doe\", \"topic\": \"order_tracking\", \"resolved\": false}}'",
            "  curl \"\(conversation)/messages?limit=20\" -H \"Authorization: Bearer $KEY\"",
            "  curl -X POST \"\(url)/v1/messages/\(sample.photoMessageID)/reactions\" -H \"Authorization: Bearer $KEY\" \\",
            "    -H \"Content-Type: application/json\" -d '{\"reaction\": \"love\"}'",
        ]
    }
}
