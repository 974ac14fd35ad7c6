import AgentPhoneClient
import ArgumentParser
import AsyncHTTPClient
import ConversationGateway
import Conversations
import Foundation
import Rules

struct TriggerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trigger",
        abstract: "Text, or react, from a simulated phone of the running gateway.",
        subcommands: [Message.self, Reaction.self])

    /// How long to follow what rules do.
    struct Waiting: ParsableArguments {
        @Option(
            name: .long,
            help: ArgumentHelp("How long to wait for the rules; 0s sends and leaves.", valueName: "duration"))
        var wait = "10s"

        @Flag(name: .long, help: "Print the result as JSON.")
        var json = false

        func duration() throws -> Duration {
            do {
                return try DurationText.parse(wait)
            } catch {
                throw CommandError(ExitStatus.usage, "--wait \(wait): \(error.message)")
            }
        }
    }

    struct Message: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "message", abstract: "Send a message from a simulated phone, and show what the rules did.")

        @Option(name: .long, help: "The phone: a number, or an e-mail address (an Apple ID).")
        var from: String

        @Option(name: .long, help: "One of the gateway's numbers; by default its first.")
        var to: String?

        @Option(name: .long, help: "The text.")
        var body = ""

        @Option(
            name: .long, help: ArgumentHelp("A picture or other file to attach; may be repeated.", valueName: "file"))
        var image: [String] = []

        @Option(name: .long, help: ArgumentHelp("Media that is on the web already; may be repeated.", valueName: "url"))
        var mediaURL: [String] = []

        @Flag(name: .long, help: "Make the phone one without iMessage first.")
        var sms = false

        @OptionGroup var waiting: Waiting
        @OptionGroup var shared: SharedOptions

        func run() async throws {
            try await withPhones(shared) { phones in
                if sms { try await phones.setIMessage(false, for: from) }
                var media: [String] = []
                for file in image { media.append(try await phones.upload(file)) }
                let sent = try await phones.send(PhoneText(from: from, to: to, body: body, media: media + mediaURL))
                let reporter = TriggerReport(phones: phones, wait: try waiting.duration(), json: waiting.json)
                try await reporter.report(sent)
            }
        }
    }

    struct Reaction: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reaction",
            abstract: "Put a tapback on a message that the agent sent, and show what the rules did.")

        @Option(name: .long, help: "The phone: a number, or an e-mail address (an Apple ID).")
        var from: String

        @Option(name: .customLong("message"), help: "The message's id.")
        var messageID: String

        @Argument(help: "love, like, dislike, laugh, emphasize or question.")
        var reaction: String

        @OptionGroup var waiting: Waiting
        @OptionGroup var shared: SharedOptions

        func run() async throws {
            try await withPhones(shared) { phones in
                let put = try await phones.react(from: from, messageID: messageID, reaction: reaction)
                let reporter = TriggerReport(phones: phones, wait: try waiting.duration(), json: waiting.json)
                try await reporter.report(put, on: messageID)
            }
        }
    }
}

/// Finds the running gateway and gives its phones to `body`.
func withPhones(_ shared: SharedOptions, _ body: (PhonesClient) async throws -> Void) async throws {
    try await reportingErrors {
        let configuration = try shared.load()
        let state = try StateDirectory.existing(at: configuration.stateDirectory)
        let keys = try StateKeys.existing(in: state)
        try await withHTTPClient { client in
            let admin = try AdminClient(state, client: client)
            let status = try await admin.status()
            guard let gateway = status.gateway else {
                throw CommandError(
                    ExitStatus.unavailable,
                    "the process with this state directory (tidewire \(status.mode)) has no gateway, and so no phones")
            }
            try await body(
                PhonesClient(gateway: gateway, keys: keys, admin: admin, hasRules: status.mode == "dev", client: client)
            )
        }
    }
}
