import Conversations
import DurableExecution
import Synchronization

/// Events read from their payloads, remembered while they are worked on.
final class EventContents: Sendable {
    private struct Known {
        var event: Event
        var content: ConversationEvent
    }

    private static let memoryLimit = 4096

    private let known = Mutex<[Int64: Known]>([:])

    /// Forgets all, where some of it was erased.
    func forget() { known.withLock { $0 = [:] } }

    /// - Throws: ``EngineFailure`` if the payload can't be read.
    func content(of event: Event) throws -> ConversationEvent {
        if let known = known.withLock({ $0[event.sequence] }), known.event.payload == event.payload {
            return known.content
        }
        let content: ConversationEvent
        do {
            content = try JSON.decode(ConversationEvent.self, from: event.payload)
        } catch let error as DecodingError {
            throw EngineFailure("event \(event.sequence) can't be read: \(error.plainDescription)", retryable: false)
        }
        known.withLock { known in
            if known.count >= Self.memoryLimit { known = [:] }
            known[event.sequence] = Known(event: event, content: content)
        }
        return content
    }
}
