import Conversations
import Foundation
import Synchronization

/// Waits read from their inputs, remembered: each event of a conversation is offered to all that wait there, and the runs
/// of a rule mostly wait for the same.
final class WaitRequests: Sendable {
    private static let memoryLimit = 4096

    private let known = Mutex<[Data: WaitRequest]>([:])

    /// - Returns: Nil if `input` is no wait's.
    func request(_ input: Data) -> WaitRequest? {
        if let request = known.withLock({ $0[input] }) { return request }
        guard let request = try? WaitRequest(JSONValue(parsing: input)) else { return nil }
        known.withLock { known in
            if known.count >= Self.memoryLimit { known = [:] }
            known[input] = request
        }
        return request
    }

    /// Forgets all, where some of it was erased.
    func forget() { known.withLock { $0 = [:] } }
}
