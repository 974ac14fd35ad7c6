import Foundation
import Synchronization
import Testing

/// The real binary, started as its user would.
final class Product: Sendable {
    /// Where the build put it: beside the test bundle.
    static let binary = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "tidewire")

    private let process: Process
    private let ending: Ending
    let output: LineReader
    let errors: LineReader

    /// - Parameter environment: Added to a bare one.
    init(
        _ arguments: [String], environment: [String: String] = [:], in folder: URL? = nil, binary: URL = binary
    ) throws {
        process = Process.bare(binary, arguments, environment, in: folder)
        ending = Ending(of: process)
        let (out, err) = (Pipe(), Pipe())
        process.standardOutput = out
        process.standardError = err
        output = LineReader(out)
        errors = LineReader(err)
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    var processIdentifier: Int32 { process.processIdentifier }

    /// Ends it as a crash would.
    func crash() async -> Int32 {
        kill(process.processIdentifier, SIGKILL)
        return await exit()
    }

    /// Asks it to stop, and waits until it has.
    ///
    /// - Returns: Its exit status.
    @discardableResult
    func stop() async -> Int32 {
        kill(process.processIdentifier, SIGTERM)
        return await exit()
    }

    /// Waits until it ends by itself. What it wrote last may still be on its way to ``output``.
    func exit() async -> Int32 { await ending.status(killing: process.processIdentifier) }

    /// Runs a command to its end.
    static func run(
        _ arguments: [String], environment: [String: String] = [:], in folder: URL? = nil, binary: URL = binary
    ) async throws -> (status: Int32, output: String, errors: String) {
        // Files and not pipes: a pipe's end may be inherited by another process that is started at the same time, and
        // then nobody sees where the output ends.
        let files = FileManager.default.temporaryDirectory.appending(path: "tw-run-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: files, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: files) }
        let (output, errors) = (files.appending(path: "out"), files.appending(path: "err"))
        for file in [output, errors] { try Data().write(to: file) }
        let process = Process.bare(binary, arguments, environment, in: folder)
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        let ending = Ending(of: process)
        try process.run()
        let status = await ending.status(killing: process.processIdentifier)
        return (
            status, try String(contentsOf: output, encoding: .utf8), try String(contentsOf: errors, encoding: .utf8)
        )
    }
}

extension Process {
    /// A process in a bare environment, so that a test's outcome doesn't hang on the shell.
    fileprivate static func bare(
        _ binary: URL, _ arguments: [String], _ environment: [String: String], in folder: URL?
    ) -> Process {
        let process = Process()
        process.executableURL = binary
        process.arguments = arguments
        process.environment = ["PATH": "/usr/bin:/bin", "HOME": "/nonexistent"].merging(environment) { $1 }
        if let folder { process.currentDirectoryURL = folder }
        process.standardInput = FileHandle.nullDevice
        return process
    }
}

/// A process's end, for those who wait for it.
final class Ending: Sendable {
    private enum State {
        case running([CheckedContinuation<Int32, Never>])
        case ended(Int32)
    }

    private let state = Mutex(State.running([]))

    /// - Parameter process: Not started yet.
    init(of process: Process) {
        process.terminationHandler = { [self] process in
            let status = process.terminationStatus
            let waiters = state.withLock { state in
                guard case .running(let waiters) = state else { return [CheckedContinuation<Int32, Never>]() }
                state = .ended(status)
                return waiters
            }
            for waiter in waiters { waiter.resume(returning: status) }
        }
    }

    /// Waits for it. A test whose time is over doesn't: then the process is killed.
    func status(killing process: Int32) async -> Int32 {
        await withTaskCancellationHandler {
            await status
        } onCancel: {
            kill(process, SIGKILL)
        }
    }

    private var status: Int32 {
        get async {
            await withCheckedContinuation { continuation in
                state.withLock { state in
                    switch state {
                    case .running(let waiters): state = .running(waiters + [continuation])
                    case .ended(let status): continuation.resume(returning: status)
                    }
                }
            }
        }
    }
}

/// A process's output, line by line, to wait for.
final class LineReader: Sendable {
    private struct Waiter {
        var id: Int
        var text: String
        var continuation: CheckedContinuation<String?, Never>
    }

    private struct State {
        var lines: [String] = []
        var rest = Data()
        var isOver = false
        var waiters: [Waiter] = []
        /// How many lines have been waited past.
        var position = 0
        var lastID = 0
        var cancelled: Set<Int> = []
    }

    private let state = Mutex(State())

    init(_ pipe: Pipe) {
        let handle = pipe.fileHandleForReading
        Thread.detachNewThread { [self] in
            while true {
                let data = handle.availableData
                if data.isEmpty { break }
                take(data)
            }
            finish()
        }
    }

    var all: String { state.withLock { $0.lines.joined(separator: "\n") } }

    /// Waits for the next line that holds `text`, past the one waited for before.
    ///
    /// - Returns: The line; nil if the output ends without one, or the task is cancelled.
    @discardableResult
    func next(holding text: String) async -> String? {
        let line = await find(text)
        if line == nil { Issue.record("the output ended without a line that holds \"\(text)\"") }
        return line
    }

    private func find(_ text: String) async -> String? {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let found: String?? = state.withLock { state in
                    if let line = Self.match(text, &state) { return line }
                    if state.isOver || state.cancelled.contains(id) { return .some(nil) }
                    state.waiters.append(Waiter(id: id, text: text, continuation: continuation))
                    return nil
                }
                if let found { continuation.resume(returning: found) }
            }
        } onCancel: {
            cancel(id)
        }
    }

    private func cancel(_ id: Int) {
        let waiter = state.withLock { state in
            state.cancelled.insert(id)
            let waiter = state.waiters.first { $0.id == id }
            state.waiters.removeAll { $0.id == id }
            return waiter
        }
        waiter?.continuation.resume(returning: nil)
    }

    private static func match(_ text: String, _ state: inout State) -> String? {
        guard let index = state.lines.indices.dropFirst(state.position).first(where: { state.lines[$0].contains(text) })
        else { return nil }
        state.position = index + 1
        return state.lines[index]
    }

    private func take(_ data: Data) {
        let woken = state.withLock { state in
            state.rest.append(data)
            while let newline = state.rest.firstIndex(of: 0x0A) {
                state.lines.append(String(decoding: state.rest[..<newline], as: UTF8.self))
                state.rest = Data(state.rest[(newline + 1)...])
            }
            return Self.satisfied(&state)
        }
        for (waiter, line) in woken { waiter.continuation.resume(returning: line) }
    }

    private static func satisfied(_ state: inout State) -> [(Waiter, String?)] {
        var woken: [(Waiter, String?)] = []
        for waiter in state.waiters {
            if let line = match(waiter.text, &state) { woken.append((waiter, line)) }
        }
        let ids = Set(woken.map(\.0.id))
        state.waiters.removeAll { ids.contains($0.id) }
        return woken
    }

    private func finish() {
        let waiters = state.withLock { state in
            state.isOver = true
            if !state.rest.isEmpty { state.lines.append(String(decoding: state.rest, as: UTF8.self)) }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: nil) }
    }
}
