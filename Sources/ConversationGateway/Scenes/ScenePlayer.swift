public import Conversations
public import Foundation

/// Where scenes are played: the phones of a gateway in this process, or of one reached over HTTP.
public protocol SceneStage: Sendable {
    func setUp(_ address: String, imessage: Bool) async throws(APIError)
    /// - Returns: The ids of what arrived, in order.
    func text(from: String, to: String?, body: String, media: [String]) async throws(APIError) -> [Message.ID]
    func tapBack(from: String, to id: Message.ID, with reaction: ReactionType) async throws(APIError)
    /// - Returns: The URL of the media.
    func keep(_ data: Data) async throws(APIError) -> String
    /// The latest message that the phone was sent; nil if there is none.
    func latestMessage(to address: String) async throws(APIError) -> Message.ID?
}

extension SimulatedPhones: SceneStage {
    public func setUp(_ address: String, imessage: Bool) async throws(APIError) {
        try await add(address, imessage: imessage)
    }

    public func text(
        from: String, to: String?, body: String, media: [String]
    ) async throws(APIError) -> [Message.ID] {
        try await send(from: from, to: to, body: body, media: media).messageIDs
    }

    public func tapBack(from: String, to id: Message.ID, with reaction: ReactionType) async throws(APIError) {
        try await react(from: from, to: id, with: reaction)
    }

    public func keep(_ data: Data) async throws(APIError) -> String {
        try await upload(data).url
    }

    public func latestMessage(to address: String) async throws(APIError) -> Message.ID? {
        try await messages(of: address, limit: 200).first { $0.direction == .outbound }?.id
    }
}

/// Plays scenes.
public struct ScenePlayer: Sendable {
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
    /// - Parameter report: Told of each step before it is taken.
    /// - Throws: ``SceneError``, naming the step.
    public func play(_ scene: Scene, report: @Sendable (Scene.Step) -> Void = { _ in }) async throws {
        for (name, phone) in scene.phones.sorted(by: { $0.key < $1.key }) {
            do {
                try await stage.setUp(phone.address, imessage: phone.imessage ?? true)
            } catch {
                throw SceneError(step: nil, message: "phone \(name): \((error as APIError).message)")
            }
        }
        var named: [String: Message.ID] = [:]
        for (index, step) in scene.steps.enumerated() {
            report(step)
            do {
                try await take(step, of: scene, &named)
            } catch let error as APIError {
                throw SceneError(step: index + 1, message: error.message)
            } catch let error as SceneError {
                throw SceneError(step: index + 1, message: error.message)
            }
        }
    }

    private func take(_ step: Scene.Step, of scene: Scene, _ named: inout [String: Message.ID]) async throws {
        switch step {
        case .wait(let duration):
            guard speed.isFinite else { return }
            try await clock.sleep(for: duration / speed)
        case .text(let text):
            let media = try await urls(text.media ?? [])
            let ids = try await stage.text(
                from: try address(text.from, scene), to: text.to, body: text.body ?? "", media: media)
            if let name = text.name, let first = ids.first { named[name] = first }
        case .react(let tapback):
            let address = try address(tapback.from, scene)
            let target = tapback.to == "agent" ? try await stage.latestMessage(to: address) : named[tapback.to]
            guard let target else {
                throw SceneError(step: nil, message: "there is no message \"\(tapback.to)\" to react to")
            }
            try await stage.tapBack(from: address, to: target, with: tapback.with)
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
                    throw SceneError(step: nil, message: "cannot read \(item): \(error.localizedDescription)")
                }
                urls.append(try await stage.keep(data))
            }
        }
        return urls
    }

    private func address(_ name: String, _ scene: Scene) throws -> String {
        guard let phone = scene.phones[name] else {
            let known = scene.phones.keys.sorted().joined(separator: ", ")
            throw SceneError(step: nil, message: "there is no phone \"\(name)\"; the scene has \(known)")
        }
        return phone.address
    }
}

/// Why a scene could not be played on: fix the scene.
public struct SceneError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Counted from 1; nil where it is about the phones.
    public var step: Int?
    public var message: String

    public var description: String { step.map { "step \($0): \(message)" } ?? message }
}
