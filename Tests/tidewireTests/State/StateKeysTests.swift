import CustomDump
import Foundation
import IssueReportingTestSupport
import Testing

@testable import tidewire

struct StateKeysTests {
    private let folder = ConfigurationFolder()

    private func start() throws -> (StateDirectory, StateLock) {
        let state = try StateDirectory.prepare(at: folder.path + "/state")
        return (state, try state.lock(command: "test"))
    }

    @Test func `keys are made at first start and kept`() throws {
        let (state, lock) = try start()
        let keys = try StateKeys.prepare(in: state, holding: lock)
        #expect(keys.apiKey.wholeMatch(of: /sk_local_[0-9a-f]{48}/) != nil)
        #expect(keys.simulationToken.wholeMatch(of: /sim_[0-9a-f]{48}/) != nil)
        #expect(try StateKeys.prepare(in: state, holding: lock) == keys)
        #expect(try StateKeys.existing(in: state) == keys)
        #expect(try StateDirectory.status(of: state.path(of: "keys.json"))?.mode == 0o600)
        #expect(!FileManager.default.fileExists(atPath: state.path(of: "keys.json.new")))
    }

    @Test func `two hosts have different keys`() throws {
        let (state, lock) = try start()
        let first = try StateKeys.prepare(in: state, holding: lock)
        try FileManager.default.removeItem(atPath: state.path(of: "keys.json"))
        let second = try StateKeys.prepare(in: state, holding: lock)
        #expect(first.apiKey != second.apiKey)
        #expect(first.simulationToken != second.simulationToken)
    }

    @Test func `every byte comes from the generator`() throws {
        let (state, lock) = try start()
        var generator = Counter()
        expectNoDifference(
            try StateKeys.prepare(in: state, holding: lock, using: &generator).apiKey,
            "sk_local_000102030405060708090a0b0c0d0e0f1011121314151617")
    }

    @Test func `a key that an older version lacked is added and the others stay`() throws {
        let (state, lock) = try start()
        try write(#"{"api_key": "sk_local_mine", "later": "kept"}"#, in: state)
        let error = #expect(throws: StateError.self) { try StateKeys.existing(in: state) }
        #expect(error?.code == .corrupted)
        let keys = try StateKeys.prepare(in: state, holding: lock)
        #expect(keys.apiKey == "sk_local_mine")
        #expect(keys.simulationToken.hasPrefix("sim_"))
        let content = try String(contentsOfFile: state.path(of: "keys.json"), encoding: .utf8)
        #expect(content.contains(#""later" : "kept""#))
    }

    @Test func `a broken file is reported and left as it is`() throws {
        let (state, lock) = try start()
        try write("{", in: state)
        let error = #expect(throws: StateError.self) { try StateKeys.prepare(in: state, holding: lock) }
        #expect(error?.code == .corrupted)
        #expect(try String(contentsOfFile: state.path(of: "keys.json"), encoding: .utf8) == "{")
    }

    @Test func `keys that others may read are refused`() throws {
        let (state, lock) = try start()
        try write("{}", mode: 0o644, in: state)
        let error = #expect(throws: StateError.self) { try StateKeys.prepare(in: state, holding: lock) }
        #expect(error?.code == .badInput)
        #expect(error?.message.contains("(mode 0644)") == true)
    }

    @Test func `there are no keys before the first start`() throws {
        let (state, _) = try start()
        let error = #expect(throws: StateError.self) { try StateKeys.existing(in: state) }
        #expect(error?.code == .notFound)
    }

    @Test func `printing keys does not show them`() throws {
        let (state, lock) = try start()
        let keys = try StateKeys.prepare(in: state, holding: lock)
        var text = "\(keys) \(String(reflecting: keys))"
        dump(keys, to: &text)
        #expect(!text.contains("sk_local_"))
    }

    private func write(_ text: String, mode: Int = 0o600, in state: StateDirectory) throws {
        try folder.write(text, to: "state/keys.json")
        try FileManager.default.setAttributes(
            [.posixPermissions: mode], ofItemAtPath: state.path(of: "keys.json"))
    }
}

/// Gives 0, 1, 2, … in every byte of a number.
private struct Counter: RandomNumberGenerator {
    private var count: UInt64 = 0

    mutating func next() -> UInt64 {
        defer { count += 1 }
        return (count & 0xFF) * 0x0101_0101_0101_0101
    }
}
