import Foundation

/// How much the store of rules holds for one owner.
///
/// Scopes are paths; those with the same first two parts (`acme/photos`, `acme/photos/conversation/conv_1`) have one
/// owner. Only what grows is refused, so an owner at a limit can still read, shrink and remove.
public struct StoreQuota: Sendable, Hashable {
    /// Bytes of one key.
    public var keyBytes = 512
    /// Bytes of one value, as JSON.
    public var valueBytes = 256 << 10
    public var keys = 100_000
    /// Bytes of all keys and values.
    public var bytes = 64 << 20

    public init() {}

    static func owner(of scope: String) -> String {
        let parts = scope.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        return parts.prefix(2).joined(separator: "/")
    }

    /// Judges a value and its key by themselves.
    func check(_ key: String, _ value: Data) throws(CommandFailure) {
        if key.utf8.count > keyBytes {
            throw .tooMuch("a key of \(key.utf8.count) bytes; at most \(keyBytes) are kept", "limits.store_key")
        }
        if value.count > valueBytes {
            throw .tooMuch(
                "the value under \(key.prefix(80)) has \(value.count) bytes; at most \(valueBytes) are kept",
                "limits.store_value")
        }
    }

    /// Judges what the owner would hold.
    func check(_ usage: StoreUsage, of owner: String) throws(CommandFailure) {
        if usage.keys > keys {
            throw .tooMuch("\(owner) has \(keys) keys in its store already", "limits.store_keys")
        }
        if usage.bytes > bytes {
            throw .tooMuch("\(owner) would hold more than \(bytes) bytes in its store", "limits.store_size")
        }
    }
}

/// What an owner holds.
struct StoreUsage: Sendable, Hashable {
    var keys = 0
    /// Of keys and values.
    var bytes = 0
}

extension CommandFailure {
    fileprivate static func tooMuch(_ what: String, _ setting: String) -> CommandFailure {
        CommandFailure(code: "too_large", message: "\(what); keep less, or raise \(setting)")
    }
}
