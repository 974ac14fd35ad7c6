public import Conversations
public import Foundation

/// Plays scenes.
public struct ScenePlayer: Sendable {
    /// What became of a step.
    public enum Progress: Sendable, Hashable {
        /// It takes a while.
        case began(Scene.Step)
        /// It is done, and these messages came of it: those that arrived, or the one that was expected.
        case ended(Scene.Step, [Message])
    }

    /// How often a step that expects a message looks for it.
    private static let pause = Duration.milliseconds(100)

    private let stage: any SceneStage
    private let clock: any Clock<Duration>
    private let speed: Double
    private let load: @Sendable (String) throws -> Data

    /// - Parameters:
    ///   - speed: 1 plays in real time, 10 ten times as fast; waits are skipped if it is infinite.
    ///   - load: Reads a file that a scene names as media.
    public init(
        on stage: any SceneStage, clock: any Clock<Duration> = ContinuousClock(), speed: Double = 1,
        load: @escaping @Sendable (String) throws -> Data
    ) {
        self.stage = stage
        self.clock = clock
        self.speed = max(speed, 0.001)
        self.load = load
    }

    /// Plays a scene to its end.
    ///
    /// - Throws: ``SceneError``, naming the line.
    public func play(_ scene: Scene, report: @Sendable (Progress) -> Void = { _ in }) async throws {
        var play = Play(scene: scene)
        try await setUp(&play)
        for step in scene.steps {
            do {
                try await take(step, of: &play, report)
            } catch let error as APIError {
                throw SceneError(line: step.line, error.message)
            } catch let error as Refusal {
                throw SceneError(line: step.line, error.message)
            }
        }
    }

    private func setUp(_ play: inout Play) async throws {
        for (name, phone) in play.scene.phones.sorted(by: { $0.key < $1.key }) {
            do throws(APIError) {
                try await stage.setUp(phone.address, imessage: phone.imessage)
                play.seen[name] = try await stage.received(by: phone.address).first?.id
            } catch {
                throw SceneError(line: nil, "phone \(name): \(error.message)")
            }
        }
        for (name, members) in play.scene.groups.sorted(by: { $0.key < $1.key }) {
            do {
                let addresses = try members.map { try play.address($0) }
                play.groups[name] = try await stage.startGroup(of: addresses)
            } catch let error as APIError {
                throw SceneError(line: nil, "group \(name): \(error.message)")
            } catch let error as Refusal {
                throw SceneError(line: nil, "group \(name): \(error.message)")
            }
        }
    }

    private func take(_ step: Scene.Step, of play: inout Play, _ report: (Progress) -> Void) async throws {
        switch step.action {
        case .wait(let duration):
            guard speed.isFinite else { return }
            report(.began(step))
            try await clock.sleep(for: duration / speed)
        case .text(let text):
            let messages = try await send(text, of: play)
            if let name = text.name { play.messages[name] = messages.first?.id }
            report(.ended(step, messages))
        case .answer(let answer):
            let id = try await stage.answer(to: try play.address(answer.to), body: answer.body)
            if let name = answer.name { play.messages[name] = id }
            play.seen[answer.to] = id
            report(.ended(step, []))
        case .react(let tapback):
            let address = try play.address(tapback.from)
            let target = try await message(tapback.to, seenBy: address, of: play)
            try await stage.tapBack(from: address, to: target, with: tapback.with)
            report(.ended(step, []))
        case .expect(let expectation):
            report(.began(step))
            let found = try await wait(for: expectation, of: play)
            play.seen[expectation.to] = found.id
            report(.ended(step, [found]))
        }
    }

    private func send(_ text: Scene.Text, of play: Play) async throws -> [Message] {
        let from = try play.address(text.from)
        var message = PhoneText(from: from, to: text.to, body: text.body, media: try await urls(text.media))
        if let name = text.group {
            guard let group = play.groups[name] else { throw Refusal("there is no group \"\(name)\"") }
            message.group = group
        }
        if let name = text.replyTo { message.replyTo = try await self.message(name, seenBy: from, of: play) }
        return try await stage.text(message)
    }

    private func message(_ name: String, seenBy address: String, of play: Play) async throws -> Message.ID {
        let id = name == Scene.agent ? try await stage.received(by: address).first?.id : play.messages[name]
        guard let id else {
            throw Refusal(
                name == Scene.agent
                    ? "the agent has sent \(address) no message yet" : "there is no message \"\(name)\"")
        }
        return id
    }

    /// The oldest fitting message since the one that the phone saw last.
    private func wait(for expectation: Scene.Expectation, of play: Play) async throws -> Message {
        let address = try play.address(expectation.to)
        var waited = Duration.zero
        while true {
            let messages = try await stage.received(by: address).prefix { $0.id != play.seen[expectation.to] }
            let found = messages.last { message in expectation.body.map(message.body.contains) ?? true }
            if let found { return found }
            guard waited < expectation.within else {
                let what = expectation.body.map { " with \"\($0)\"" } ?? ""
                throw Refusal("the agent sent \(expectation.to) no message\(what) within \(expectation.within)")
            }
            try await clock.sleep(for: Self.pause)
            waited += Self.pause
        }
    }

    private func urls(_ media: [String]) async throws -> [String] {
        var urls: [String] = []
        for item in media {
            if item.hasPrefix("https://") || item.hasPrefix("http://") {
                urls.append(item)
            } else {
                let data: Data
                do {
                    data = try load(item)
                } catch {
                    throw Refusal("cannot read \(item): \(error.localizedDescription)")
                }
                urls.append(try await stage.keep(data))
            }
        }
        return urls
    }
}

/// How far a scene has come.
private struct Play {
    var scene: Scene
    /// Ids by name.
    var groups: [String: String] = [:]
    var messages: [String: Message.ID] = [:]
    /// The latest message of the agent's that a phone's expectations have gone past, by the phone's name.
    var seen: [String: Message.ID] = [:]

    func address(_ name: String) throws -> String {
        guard let phone = scene.phones[name] else { throw Refusal("there is no phone \"\(name)\"") }
        return phone.address
    }
}

/// Why a step can't be taken.
private struct Refusal: Error {
    var message: String

    init(_ message: String) { self.message = message }
}
