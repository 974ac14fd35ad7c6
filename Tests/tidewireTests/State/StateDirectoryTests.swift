import CustomDump
import Foundation
import IssueReportingTestSupport
import Testing

@testable import tidewire

struct StateDirectoryTests {
    private let folder = ConfigurationFolder()

    private var path: String { folder.path + "/state" }

    private func setMode(_ mode: Int, of path: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    @Test func `a new folder is made for its owner alone, with those above it`() throws {
        let deep = folder.path + "/a/b/state"
        let state = try StateDirectory.prepare(at: deep)
        #expect(state.path == deep)
        #expect(try StateDirectory.status(of: deep) == FileStatus(mode: 0o700, isFolder: true, isOwn: true))
        #expect(try StateDirectory.prepare(at: deep) == state)
    }

    @Test(arguments: [0o755, 0o770, 0o701])
    func `a folder that others may enter is refused and left as it is`(mode: Int) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try setMode(mode, of: path)
        let error = #expect(throws: StateError.self) { try StateDirectory.prepare(at: path) }
        expectNoDifference(
            error,
            StateError(
                .badInput,
                "other users may enter the state directory \(path) (mode 0\(String(mode, radix: 8))): chmod 700 \(path)"
            ))
        #expect(try StateDirectory.status(of: path)?.mode == UInt32(mode))
    }

    @Test func `a file is not a state directory`() throws {
        try folder.write("", to: "state")
        let error = #expect(throws: StateError.self) { try StateDirectory.prepare(at: path) }
        expectNoDifference(error, StateError(.badInput, "\(path) is not a folder"))
    }

    @Test func `a command finds no state before a host was started`() throws {
        let error = #expect(throws: StateError.self) { try StateDirectory.existing(at: path) }
        #expect(error?.code == .notFound)
        let state = try StateDirectory.prepare(at: path)
        #expect(try StateDirectory.existing(at: path) == state)
    }

    @Test func `the admin socket's path has at most 107 bytes`() throws {
        let longest = "/" + String(repeating: "a", count: 107 - 1 - "/admin.sock".utf8.count)
        #expect(try StateDirectory(path: longest).adminSocket().utf8.count == 107)
        let error = #expect(throws: StateError.self) { try StateDirectory(path: longest + "ä").adminSocket() }
        #expect(error?.code == .badInput)
        #expect(error?.message.contains("has 109 bytes, and a socket's path may have 107") == true)
    }
}

struct StateLockTests {
    private let folder = ConfigurationFolder()

    private func directory() throws -> StateDirectory { try .prepare(at: folder.path + "/state") }

    @Test func `a second one is told who the first is`() throws {
        let state = try directory()
        let lock = try state.lock(command: "tidewire dev --sample")
        let error = #expect(throws: StateError.self) { try state.lock(command: "tidewire serve") }
        expectNoDifference(
            error,
            StateError(
                .inUse,
                "process \(ProcessInfo.processInfo.processIdentifier) (tidewire dev --sample) uses the state directory "
                    + "\(state.path): stop it first, or use another state_directory"))
        lock.release()
    }

    @Test func `a released lock can be taken again`() throws {
        let state = try directory()
        let first = try state.lock(command: "one")
        first.release()
        first.release()
        let second = try state.lock(command: "two")
        let error = #expect(throws: StateError.self) { try state.lock(command: "three") }
        #expect(error?.message.contains("(two)") == true)
        second.release()
    }

    @Test func `a lock that nobody holds any more is free`() throws {
        let state = try directory()
        do { _ = try state.lock(command: "one") }
        let second = try state.lock(command: "two")
        second.release()
    }

    @Test func `the file of a dead process means nothing`() throws {
        let state = try directory()
        try folder.write("4194305\ntidewire dev\n", to: "state/lock")
        let lock = try state.lock(command: "tidewire serve")
        let content = try String(contentsOfFile: state.path(of: "lock"), encoding: .utf8)
        #expect(content == "\(ProcessInfo.processInfo.processIdentifier)\ntidewire serve\n")
        lock.release()
    }

    @Test func `the holder is unknown until it wrote its name`() throws {
        let state = try directory()
        let lock = try state.lock(command: "one")
        try Data().write(to: URL(filePath: state.path(of: "lock")))
        let error = #expect(throws: StateError.self) { try state.lock(command: "two") }
        #expect(error?.message.hasPrefix("another process uses the state directory") == true)
        lock.release()
    }
}
