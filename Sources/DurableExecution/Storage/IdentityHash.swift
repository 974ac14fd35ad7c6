import Crypto
import Foundation
import Synchronization

/// Makes of an identity what is kept of it: enough to recognise it, and nothing that could be read.
///
/// The key is the database's own, so that hashes of different databases, and lists made beforehand, are of no use.
final class IdentityHash: Sendable {
    private let key: SymmetricKey
    private let everywhere: Atomic<Bool>

    init(key: Data, isEverywhere: Bool) {
        self.key = SymmetricKey(data: key)
        everywhere = Atomic(isEverywhere)
    }

    /// Whether every identity that is kept is a hash.
    var isEverywhere: Bool {
        get { everywhere.load(ordering: .acquiring) }
        set { everywhere.store(newValue, ordering: .releasing) }
    }

    /// 128 bits of HMAC-SHA256, in 22 characters of Base64.
    func callAsFunction(_ text: String) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key)
        return String(Data(code.prefix(16)).base64EncodedString().prefix(22))
    }

    /// As what an identity may be kept, the hash first.
    func forms(of identity: String) -> [String] {
        let hash = self(identity)
        return isEverywhere ? [hash] : [hash, identity]
    }
}
