import Foundation

/// The keys of one host, generated at its first start; none is built in.
struct StateKeys: Sendable, Hashable {
    /// The gateway's API key: `sk_local_` and 48 hexadecimal digits.
    var apiKey: String
    /// Opens the simulated phones (`/sim`): `sim_` and 48 hexadecimal digits.
    var simulationToken: String

    private static let prefixes: KeyValuePairs<String, String> = ["api_key": "sk_local_", "simulation_token": "sim_"]

    /// Reads the keys of `directory`, and makes those that are missing.
    ///
    /// - Parameter lock: Shows that no other process does the same.
    /// - Throws: ``StateError``: `corrupted`, or `badInput` where other users may read the file.
    static func prepare(
        in directory: StateDirectory, holding lock: StateLock,
        using generator: inout some RandomNumberGenerator
    ) throws(StateError) -> StateKeys {
        let file = directory.path(of: fileName)
        let found = try stored(file) ?? [:]
        var keys = found
        for (name, prefix) in prefixes where keys[name] == nil {
            keys[name] = prefix + randomHexadecimal(using: &generator)
        }
        if keys != found { try PrivateFile.write(encode(keys), to: file) }
        return try StateKeys(keys, file: file)
    }

    static func prepare(in directory: StateDirectory, holding lock: StateLock) throws(StateError) -> StateKeys {
        var generator = SystemRandomNumberGenerator()
        return try prepare(in: directory, holding: lock, using: &generator)
    }

    /// Reads the keys that a host made.
    ///
    /// - Throws: ``StateError``: `notFound` where no host was ever started, else as ``prepare(in:holding:)``.
    static func existing(in directory: StateDirectory) throws(StateError) -> StateKeys {
        let file = directory.path(of: fileName)
        guard let keys = try stored(file) else {
            throw StateError(.notFound, "there are no keys in \(directory.path): start the host first")
        }
        return try StateKeys(keys, file: file)
    }

    private static let fileName = "keys.json"

    private init(_ keys: [String: String], file: String) throws(StateError) {
        guard let apiKey = keys["api_key"], let simulationToken = keys["simulation_token"] else {
            throw StateError(.corrupted, "\(file) lacks a key: start the host once, which adds it")
        }
        self.init(apiKey: apiKey, simulationToken: simulationToken)
    }

    private init(apiKey: String, simulationToken: String) {
        self.apiKey = apiKey
        self.simulationToken = simulationToken
    }

    private static func stored(_ file: String) throws(StateError) -> [String: String]? {
        guard let data = try PrivateFile.read(file) else { return nil }
        guard let keys = try? JSONDecoder().decode([String: String].self, from: data) else {
            throw StateError(
                .corrupted, "\(file) is not a file of keys: restore it, or delete it and the next start makes new keys")
        }
        return keys
    }

    private static func encode(_ keys: [String: String]) throws(StateError) -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        do {
            return try encoder.encode(keys)
        } catch {
            throw StateError(.unavailable, "the keys can't be written: \(error)")
        }
    }

    /// 192 bits.
    private static func randomHexadecimal(using generator: inout some RandomNumberGenerator) -> String {
        (0..<24).map { _ in
            let byte = UInt8.random(in: .min ... .max, using: &generator)
            return (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}

extension StateKeys: CustomStringConvertible, CustomReflectable {
    var description: String { "<keys>" }
    var customMirror: Mirror { Mirror(self, children: []) }
}
