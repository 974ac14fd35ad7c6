import DurableExecution
import Synchronization

/// The engine, once there is one: it is made after its handler, and owns it.
final class EngineLink: Sendable {
    private struct State {
        weak var engine: Engine?
        var pauses: Pauses?
    }

    private let state = Mutex(State())

    /// Nil until it is connected, and once it is gone.
    var engine: Engine? { state.withLock { $0.engine } }

    /// What is paused; nil until the engine is connected.
    var pauses: Pauses? { state.withLock { $0.pauses } }

    func connect(_ engine: Engine) {
        state.withLock { state in
            state.engine = engine
            state.pauses = engine.pauses
        }
    }
}
