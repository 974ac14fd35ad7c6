import ArgumentParser
import ConversationGateway
import Conversations
import Foundation
import Rules

struct SimCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sim", abstract: "Play scenes on the simulated phones of the running gateway.",
        subcommands: [Play.self])

    struct Play: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "play", abstract: "Play a scene: phones talking, written down in YAML.",
            discussion: """
                A scene has phones and steps: texts, pictures, tapbacks, pauses, groups, and answers that it waits for. \
                examples/orders/scenes/chase_order.yaml is one; the guide of the gateway tells them all.
                """)

        @Argument(help: "The scene.")
        var file: String

        @Flag(name: .long, help: "Skip the scene's pauses.")
        var fast = false

        @Option(name: .long, help: "How many times as fast as in real time.")
        var speed: Double?

        @Flag(name: .long, help: "Only say what is wrong with the scene; no gateway is needed.")
        var check = false

        @Flag(name: .long, help: "Print each step as a line of JSON.")
        var json = false

        @OptionGroup var shared: SharedOptions

        func validate() throws {
            if fast, speed != nil { throw ValidationError("give --fast or --speed, not both") }
            if let speed, !(0.001...1_000_000).contains(speed) {
                throw ValidationError("--speed \(speed): expected a number from 0.001 to 1000000")
            }
        }

        func run() async throws {
            try await reportingErrors {
                let scene = try SceneFile(file)
                if check {
                    if !json { Terminal.line("\(file) is a scene of \(scene.scene.steps.count) steps") }
                    return
                }
                try await withPhones(shared) { phones in
                    let player = ScenePlayer(
                        on: GatewayStage(phones: phones), speed: fast ? .infinity : speed ?? 1, load: scene.load)
                    let lines = SceneLines(scene: scene.scene, json: json)
                    do {
                        try await player.play(scene.scene) { lines.write($0) }
                    } catch let error as SceneError {
                        throw scene.failure(error)
                    }
                    lines.writeEnd()
                }
            }
        }
    }
}

/// A scene in a file, with the media beside it.
struct SceneFile: Sendable {
    /// Scenes are some kilobytes; what is larger is another file.
    private static let byteLimit = 1_048_576

    let path: String
    let scene: Scene

    /// - Throws: ``CommandError`` with a line for each problem.
    init(_ path: String) throws {
        self.path = path
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandError(ExitStatus.failed, "the scene \(path) can't be read")
        }
        guard data.count <= Self.byteLimit, let text = String(data: data, encoding: .utf8) else {
            throw CommandError(ExitStatus.failed, "\(path) is no scene: expected UTF-8 text of at most 1MiB")
        }
        do {
            scene = try Scene(yaml: text) { FileManager.default.fileExists(atPath: Self.place(of: $0, for: path)) }
        } catch {
            throw Self.failure(error, path)
        }
    }

    @Sendable func load(_ name: String) throws -> Data {
        try Data(contentsOf: URL(filePath: Self.place(of: name, for: path)))
    }

    func failure(_ error: SceneError) -> CommandError { Self.failure(error, path) }

    private static func failure(_ error: SceneError, _ path: String) -> CommandError {
        let lines = error.problems.map { problem in
            "\(path)\(problem.line.map { ":\($0)" } ?? ""): \(problem.message)"
        }
        return CommandError(ExitStatus.failed, lines.joined(separator: "\n"))
    }

    /// Media are named as seen from the scene.
    private static func place(of name: String, for path: String) -> String {
        absolutePath(name, in: URL(filePath: path).deletingLastPathComponent().path)
    }
}

/// Tells what happens in a scene, a line for each step.
struct SceneLines: Sendable {
    private struct Line: Encodable {
        var line: Int
        var step: String
        var phone: String?
        var messages: [Message]?
    }

    private struct End: Encodable {
        var ended: Bool
        var steps: Int
    }

    let scene: Scene
    let json: Bool

    func write(_ progress: ScenePlayer.Progress) {
        switch progress {
        case .began(let step) where json: if case .wait = step.action { write(step, "wait", nil) }
        case .ended(let step, let messages) where json: writeJSON(step, messages)
        case .began(let step): if let text = Self.waiting(step.action) { Terminal.line(Palette.standard.dim(text)) }
        case .ended(let step, let messages): Terminal.line(Self.text(step.action, messages))
        }
    }

    func writeEnd() {
        if json {
            print(End(ended: true, steps: scene.steps.count))
        } else {
            Terminal.line(Palette.standard.green("✓") + " played \(scene.steps.count) steps")
        }
    }

    private static func waiting(_ action: Scene.Action) -> String? {
        switch action {
        case .wait(let duration): "… \(DurationText.format(duration))"
        case .expect(let expectation): "… for an answer to \(expectation.to)"
        default: nil
        }
    }

    private static func text(_ action: Scene.Action, _ messages: [Message]) -> String {
        switch action {
        case .wait(let duration): return "… \(DurationText.format(duration))"
        case .text(let text):
            let place = text.group.map { " in \($0)" } ?? ""
            let media = text.media.isEmpty ? "" : " [\(text.media.map { $0.visible }.joined(separator: ", "))]"
            let ids = messages.map { "\($0.id) by \($0.channel?.rawValue ?? "?")" }.joined(separator: ", ")
            return "\(text.from.visible)\(place): \(text.body.visible)\(media)  (\(ids))"
        case .answer(let answer): return "agent to \(answer.to.visible): \(answer.body.visible)"
        case .react(let tapback): return "\(tapback.from.visible) put \(tapback.with) on \(tapback.to.visible)"
        case .expect(let expectation):
            return "agent to \(expectation.to.visible): \((messages.first?.body ?? "").visible)"
        }
    }

    private func writeJSON(_ step: Scene.Step, _ messages: [Message]) {
        switch step.action {
        case .wait: break
        case .text(let text): write(step, "text", text.from, messages)
        case .answer(let answer): write(step, "agent", answer.to)
        case .react(let tapback): write(step, "react", tapback.from)
        case .expect(let expectation): write(step, "expect", expectation.to, messages)
        }
    }

    private func write(_ step: Scene.Step, _ name: String, _ phone: String?, _ messages: [Message]? = nil) {
        print(Line(line: step.line, step: name, phone: phone, messages: messages))
    }

    private func print(_ value: some Encodable) {
        guard let data = try? JSON.encode(value) else { return }
        Terminal.line(String(decoding: data, as: UTF8.self))
    }
}
