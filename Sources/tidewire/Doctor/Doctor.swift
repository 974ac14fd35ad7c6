import AgentPhoneClient
import AsyncHTTPClient
import Conversations
import DurableExecution
import Foundation
import Packs
import Rules

/// Looks at everything that a host needs, changes nothing, and says what is wrong and what to do.
struct Doctor: Sendable {
    let configuration: TidewireConfiguration
    /// Whether the API may be asked.
    let asksAPI: Bool
    let client: HTTPClient

    func findings() async -> [Finding] {
        var findings = secrets()
        findings += await packs()
        let state: StateDirectory
        switch Result(catching: { () throws(StateError) in try StateDirectory.existing(at: configuration.stateDirectory)
        })
        {
        case .success(let directory): state = directory
        case .failure(let error):
            return findings + [
                .init(subject: "state", grade: error.code == .notFound ? .notice : .bad, message: error.message)
            ]
        }
        findings.append(.good("state", "\(state.path) is this user's alone"))
        findings.append(room(in: state))
        findings += await database(in: state)
        let status = await running(in: state)
        findings.append(process(status, in: state))
        findings += shortcomings(of: status)
        if asksAPI { findings += await api(status, in: state) }
        return findings
    }

    // MARK: Configuration

    private func secrets() -> [Finding] {
        let named: [(String, Secret)] =
            (configuration.api.key.map { [("api.key", $0)] } ?? [])
            + configuration.webhook.secrets.map { ("webhook.secrets", $0) }
            + configuration.gateway.apiKeys.map { ("gateway.api_keys", $0) }
        let broken: [Finding] = named.compactMap { key, secret in
            do throws(ConfigurationError) {
                _ = try secret.reveal()
                return nil
            } catch {
                return .bad(key, "\(error)")
            }
        }
        return broken.isEmpty ? [.good("configuration", "is read, and its \(named.count) secrets are there")] : broken
    }

    private func packs() async -> [Finding] {
        guard !configuration.packs.isEmpty else {
            return [.notice("packs", "none is configured: `packs` in tidewire.yaml names their folders")]
        }
        let loader = PackLoader()
        var findings: [Finding] = []
        for path in configuration.packs {
            do {
                let pack = try await loader.load(PackFolder(URL(filePath: path, directoryHint: .isDirectory)))
                findings.append(.good("packs", "\(pack.name) \(pack.pack.manifest.version), \(pack.rules.count) rules"))
            } catch {
                let problems = error.problems.map(\.description).joined(separator: "\n")
                findings.append(.bad("packs", "\(path) can't be loaded:\n\(problems)"))
            }
        }
        return findings
    }

    // MARK: State

    /// Less room than this is worth a word: the write-ahead log alone may take 64 MiB.
    private static let roomNeeded = 256 << 20

    private func room(in state: StateDirectory) -> Finding {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: state.path)
        guard let free = attributes?[.systemFreeSize] as? NSNumber else {
            return .notice("disk", "the file system of \(state.path) doesn't say how much room it has")
        }
        let text = "\(free.int64Value.formatted(.byteCount(style: .file))) are free at \(state.path)"
        guard free.intValue < Self.roomNeeded else { return .good("disk", text) }
        return .bad("disk", text + ": events are refused (503) once it is full; make room")
    }

    private func database(in state: StateDirectory) async -> [Finding] {
        guard FileManager.default.fileExists(atPath: state.engineDatabase) else {
            return [.notice("database", "there is none yet: no host ran with \(state.path)")]
        }
        do throws(EngineError) {
            let store = try SQLiteStore(reading: state.engineDatabase)
            let damage = try await store.checkIntegrity()
            guard damage.isEmpty else {
                let advice = "stop the host and restore a backup (tidewire backup --help)"
                return [
                    .bad("database", "\(state.engineDatabase) is damaged: \(damage.joined(separator: "; ")); \(advice)")
                ]
            }
            return [.good("database", size(of: state.engineDatabase))] + waiting(try await store.census())
        } catch {
            return [.bad("database", "\(state.engineDatabase): \(error.message)")]
        }
    }

    private func size(of database: String) -> String {
        let bytes = [database, database + "-wal"].map { path in
            ((try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? NSNumber)?.int64Value ?? 0
        }
        let sizes = bytes.map { $0.formatted(.byteCount(style: .file)) }
        return "engine.sqlite is sound (\(sizes[0]), write-ahead log \(sizes[1]))"
    }

    private func waiting(_ census: Census) -> [Finding] {
        let words = census.invocations.sorted { $0.key.rawValue < $1.key.rawValue }.map {
            "\($0.value) \($0.key.rawValue)"
        }
        let open = "\(census.events.values.reduce(0, +)) events open"
        var findings = [Finding.good("work", ([open] + words).joined(separator: ", "))]
        if let parked = census.invocations[.parked], parked > 0 {
            findings.append(
                .notice("work", "\(parked) runs wait for a person: tidewire runs --state parked lists them"))
        }
        return findings
    }

    // MARK: Process and API

    private func running(in state: StateDirectory) async -> AdminStatus? {
        guard let admin = try? AdminClient(state, client: client) else { return nil }
        return try? await admin.statusIfReachable
    }

    private func process(_ status: AdminStatus?, in state: StateDirectory) -> Finding {
        guard let status else { return .notice("process", "none runs with \(state.path)") }
        let text = "\(status.process) runs tidewire \(status.mode) \(status.version)"
        guard status.version == Tidewire.version else {
            return .notice("process", text + "; this is \(Tidewire.version): restart it to run this version")
        }
        return .good("process", text)
    }

    /// What is not as it should be in the process that runs.
    private func shortcomings(of status: AdminStatus?) -> [Finding] {
        guard let status else {
            return configuration.isDryRun ? [.notice("dry run", "dry_run is set: nothing will be sent or changed")] : []
        }
        var findings = (status.troubles ?? []).map { trouble in
            Finding.bad("packs", "\(trouble.folder) has problems: \(trouble.consequence)")
        }
        let isDry = status.isDryRun ?? false
        if isDry { findings.append(.notice("dry run", "the process runs dry: nothing is sent or changed")) }
        if let held = RunKind.summary(others: status.runsOfOtherKind ?? 0, isDryHost: isDry) {
            findings.append(.notice("work", held))
        }
        return findings
    }

    private func api(_ status: AdminStatus?, in state: StateDirectory) async -> [Finding] {
        let url = status?.api ?? configuration.api.baseURL
        // A host in `dev` works with its own gateway, whose key it made.
        let key =
            status?.mode == "dev" ? try? StateKeys.existing(in: state).apiKey : try? configuration.api.key?.reveal()
        guard let key else { return [.notice("api", "\(url) was not asked: api.key is not set")] }
        do {
            let api = AgentPhoneClient(
                try AgentPhoneConfiguration(baseURL: url, apiKey: key, timeout: configuration.api.timeout),
                httpClient: client)
            let page = try await api.conversations(limit: 1, offset: 0)
            return [.good("api", "\(url) answers and takes the key (\(page.total) conversations)")]
        } catch let error as APIError {
            return [.bad("api", "\(url): \(error.message)")]
        } catch {
            return [.bad("api", "\(url): \(error)")]
        }
    }
}
