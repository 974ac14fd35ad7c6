import DurableExecution
import Foundation

extension Simulation {
    /// What people and fate do now and then: outages, pauses, releases, replays, requests to be forgotten.
    func operate(_ engine: Engine) async {
        guard !world.isKind else { return }
        switch world.roll(20) {
        case 0:
            world.isOut.toggle()
        case 1:
            if (try? await engine.pause("rule:rule", reason: "somebody said so")) != nil { world.isPaused = true }
        case 2, 3:
            world.isPaused = false
            _ = try? await engine.resume("rule:rule")
        case 4:
            _ = try? await engine.release("k")
        case 5:
            await replay(engine)
        case 6, 7:
            await forget(engine)
        default:
            break
        }
    }

    private func replay(_ engine: Engine) async {
        var filter = EventFilter()
        filter.kind = "message"
        filter.states = [.done]
        guard let event = try? await store.events(filter).last, world.takeReplay() else { return }
        _ = try? await engine.replay(event.sequence, performing: true)
    }

    private func forget(_ engine: Engine) async {
        let last = (try? await store.events(EventFilter()).first?.sequence) ?? 0
        guard (try? await engine.forget(queues: [Self.forgottenQueue])) != nil else { return }
        world.forgot(through: last)
    }
}
