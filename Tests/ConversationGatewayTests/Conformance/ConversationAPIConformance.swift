import AgentPhoneClient
import ConversationGateway
import Conversations
import CustomDump
import Foundation
import TestSupport
import Testing

/// What every implementation of ``ConversationAPI`` promises, asked of the gateway in process and, through the client,
/// over HTTP.
@Suite struct ConversationAPIConformance {
    enum Way: String, CaseIterable, CustomTestStringConvertible {
        case inProcess = "in process"
        case overHTTP = "over HTTP"

        var testDescription: String { rawValue }
    }

    /// An account with one number that has iMessage, and the phones that text it.
    struct Account: Sendable {
        let api: any ConversationAPI
        let phones: SimulatedPhones
        let clock: ManualClock

        var now: Timestamp { Timestamp(clock.date) }

        /// Texts the account's number; by iMessage unless the phone was set up without.
        @discardableResult
        func text(
            _ body: String, from phone: String = Self.jane, media: [String] = []
        ) async throws -> PhoneDelivery {
            try await phones.send(from: phone, body: body, media: media)
        }

        /// A conversation with these texts, oldest first, all of the same instant.
        func conversation(_ bodies: [String], from phone: String = Self.jane) async throws -> Conversation.ID {
            for body in bodies.dropLast() { try await text(body, from: phone) }
            return try await text(bodies.last ?? "Hi", from: phone).conversationID
        }

        static let number = GatewayFixture.number
        static let jane = "+15559876543"
        static let photo = "https://storage.googleapis.com/inbound-file-store/abc123_IMG_5414.png"
    }

    /// Runs `test` on a new account, reached in this way.
    func onAccount(_ way: Way, _ test: @Sendable (Account) async throws -> Void) async throws {
        let fixture = try GatewayFixture()
        defer { fixture.remove() }
        let phones = fixture.gateway.phones
        switch way {
        case .inProcess:
            try await test(Account(api: fixture.gateway, phones: phones, clock: fixture.clock))
        case .overHTTP:
            try await fixture.running { port in
                let configuration = try AgentPhoneConfiguration(
                    baseURL: "http://127.0.0.1:\(port)", apiKey: GatewayFixture.apiKey)
                // A clock of its own, which stands still: no test means to run into the timeout.
                let client = AgentPhoneClient(configuration, clock: ManualClock())
                try await test(Account(api: client, phones: phones, clock: fixture.clock))
            }
        }
    }

    /// Expects that `call` throws this code and names this field.
    func expectError(
        _ code: APIError.Code, field: String? = nil, sourceLocation: SourceLocation = #_sourceLocation,
        _ call: @Sendable () async throws -> Any
    ) async {
        do {
            let value = try await call()
            Issue.record("it succeeds: \(value)", sourceLocation: sourceLocation)
        } catch let error as APIError {
            #expect(error.code == code, "\(error.message)", sourceLocation: sourceLocation)
            #expect(error.field == field, "\(error.message)", sourceLocation: sourceLocation)
        } catch {
            Issue.record("it throws \(error)", sourceLocation: sourceLocation)
        }
    }
}
