import Foundation
import Synchronization
import Testing

/// The real binary, started as its user would.
final class Product: Sendable {
    /// Where the build put it: beside the test bundle.
    static let binary = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "tidewire")

    private let process: Process
    let output: LineReader
    let errors: LineReader

    /// - Parameter environment: Added to a bare one, so that a test's outcome doesn't hang on the shell.
    init(_ arguments: [String], environment: [String: String] = [:], in folder: URL? = nil) throws {
        process = Process()
        process.executableURL = Self.binary
        process.arguments = arguments
        process.environment = ["PATH": "/usr/bin:/bin", "HOME": "/nonexistent"].merging(environment) { $1 }
        if let folder { process.currentDirectoryURL = folder }
        process.standardInput = FileHandle.nullDevice
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

    /// Waits until it ends by itself.
    func exit() async -> Int32 {
        await output.end()
        await errors.end()
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread { [process] in
                process.waitUntilExit()
                continuation.resume(returning: process.terminationStatus)
            }
        }
    }

    /// Runs a command to its end.
    static func run(
        _ arguments: [String], environment: [String: String] = [:], in folder: URL? = nil
    ) async throws -> (status: Int32, output: String, errors: String) {
        let product = try Product(arguments, environment: environment, in: folder)
        let status = await product.exit()
        return (status, product.output.all, product.errors.all)
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
        var ends: [CheckedContinuation<Void, Never>] = []
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

    func end() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.isOver { state.ends.append(continuation) }
                return state.isOver
            }
            if isOver { continuation.resume() }
        }
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
        let (waiters, ends) = state.withLock { state in
            state.isOver = true
            if !state.rest.isEmpty { state.lines.append(String(decoding: state.rest, as: UTF8.self)) }
            defer {
                state.waiters = []
                state.ends = []
            }
            return (state.waiters, state.ends)
        }
        for waiter in waiters { waiter.continuation.resume(returning: nil) }
        for end in ends { end.resume() }
    }
}
