import CustomDump
import DurableExecution
import Foundation
import TestSupport
import Testing

@testable import tidewire

@Suite struct DoctorTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder(named: "photos") }

    private var statePath: String { folder.path("state") }

    private func findings(_ change: (inout TidewireConfiguration) -> Void = { _ in }) async throws -> [Finding] {
        var configuration = TidewireConfiguration()
        configuration.stateDirectory = statePath
        change(&configuration)
        let settled = configuration
        var findings: [Finding] = []
        try await withHTTPClient { client in
            findings = await Doctor(configuration: settled, asksAPI: false, client: client).findings()
        }
        return findings
    }

    private func only(_ subject: String, of findings: [Finding]) -> [Finding] {
        findings.filter { $0.subject == subject }
    }

    @Test func `before a host ran there is nothing bad`() async throws {
        let findings = try await findings()
        #expect(!findings.contains { $0.grade == .bad }, "\(findings)")
        #expect(only("state", of: findings).map(\.grade) == [.notice])
        #expect(!FileManager.default.fileExists(atPath: statePath))
    }

    @Test func `a secret that is missing is bad, and named by its key`() async throws {
        let findings = try await findings {
            $0.webhook.secrets = [
                Secret(reference: "env:HOOK", value: .success("x")),
                Secret(reference: "env:NONE", value: .failure(ConfigurationError(.badInput, "NONE is not set"))),
            ]
        }
        expectNoDifference(only("webhook.secrets", of: findings).map(\.grade), [.bad])
        #expect(only("configuration", of: findings).isEmpty)
    }

    @Test func `each pack is told good or with what is wrong`() async throws {
        let broken = try TemporaryFolder(named: "broken")
        try folder.write("return { on = 'message', run = function() end }", to: "rules/heart.lua")
        try broken.write("return 1", to: "rules/heart.lua")
        let findings = try await findings { $0.packs = [folder.url.path, broken.url.path] }
        let packs = only("packs", of: findings)
        expectNoDifference(packs.map(\.grade), [.good, .bad])
        #expect(packs[0].message == "local/photos 0.0.0, 1 rules")
        #expect(packs[1].message.contains("rules/heart.lua"))
    }

    @Test func `a state directory that others may enter is bad`() async throws {
        try FileManager.default.createDirectory(
            atPath: statePath, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        let findings = try await findings()
        #expect(only("state", of: findings).map(\.grade) == [.bad])
        #expect(only("state", of: findings)[0].message.contains("chmod 700 \(statePath)"))
    }

    @Test func `work that waits for a person is noticed`() async throws {
        let state = try StateDirectory.prepare(at: statePath)
        let store = try SQLiteStore(path: state.engineDatabase)
        let epoch = try await store.takeOver()
        let event = NewEvent(
            identities: ["m"], queue: "q", kind: "message", source: "webhook", payload: Data("{}".utf8),
            occurredAt: Date())
        _ = try await store.accept([event], at: Date(), epoch: epoch)
        let run = Invocation(
            id: InvocationID(event: 1, place: 0).text, event: 1, queue: "q", rule: "r", version: "1", state: .parked,
            createdAt: Date(), updatedAt: Date())
        try await store.write(
            [
                .matched(event: 1, payload: nil, starts: [run], refusals: [], at: Date()),
                .event(sequence: 1, state: .done, note: nil, at: Date()),
            ], epoch: epoch)
        let findings = try await findings()
        #expect(only("database", of: findings).map(\.grade) == [.good])
        expectNoDifference(only("work", of: findings).map(\.grade), [.good, .notice])
        #expect(only("work", of: findings)[1].message.contains("--state parked"))
    }

    @Test func `a damaged database is bad`() async throws {
        let state = try StateDirectory.prepare(at: statePath)
        try Data(repeating: 0x41, count: 8192).write(to: URL(filePath: state.engineDatabase))
        #expect(only("database", of: try await findings()).map(\.grade) == [.bad])
    }
}
