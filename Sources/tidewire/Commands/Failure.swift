import ArgumentParser
import ConversationGateway
import Conversations
import DurableExecution
import Foundation
import Packs

/// Exit statuses, stable for scripts. Source: sysexits(3).
enum ExitStatus {
    static let failed: Int32 = 1
    static let usage: Int32 = 64
    static let unavailable: Int32 = 69
    static let inUse: Int32 = 75
    static let configuration: Int32 = 78
}

/// Something that ends a command, in words for the person who gave it.
struct CommandError: Error {
    var status: Int32
    var message: String

    init(_ status: Int32 = ExitStatus.failed, _ message: String) {
        self.status = status
        self.message = message
    }

    /// Translates what the parts throw.
    init(_ error: any Error) {
        switch error {
        case let error as CommandError: self = error
        case let error as NoHost: self.init(ExitStatus.unavailable, error.message)
        case let error as ConfigurationError: self.init(ExitStatus.configuration, "\(error)")
        case let error as StateError:
            let status =
                switch error.code {
                case .inUse: ExitStatus.inUse
                case .notFound: ExitStatus.unavailable
                default: ExitStatus.failed
                }
            self.init(status, error.message)
        case let error as GatewayError: self.init(ExitStatus.failed, error.message)
        case let error as EngineError: self.init(ExitStatus.failed, error.message)
        case let error as PackError: self.init(ExitStatus.failed, error.message)
        case let error as APIError:
            self.init(error.code == .unavailable ? ExitStatus.unavailable : ExitStatus.failed, error.message)
        default: self.init(ExitStatus.failed, "\(error)")
        }
    }
}

/// Runs a command's body; an error goes to standard error in a sentence, and its status to the shell.
func reportingErrors(_ body: () async throws -> Void) async throws {
    do {
        try await body()
    } catch let error as ExitCode {
        throw error
    } catch {
        let failure = CommandError(error)
        Terminal.error("error: \(failure.message)")
        throw ExitCode(failure.status)
    }
}
