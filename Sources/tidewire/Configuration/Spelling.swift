import Packs

/// Finds what somebody probably meant to write.
enum Spelling {
    /// The nearest of `candidates`, if it is near enough to be worth naming: a third of its length away, and one edit
    /// in any case. Where only the section is missing or another one (`body_limit` for `webhook.body_limit`), that counts as near.
    static func nearest(to word: String, among candidates: [String]) -> String? {
        let best = candidates.map { ($0, NearestName.distance(word, $0)) }.min { $0.1 < $1.1 }
        if let best, best.1 <= max(1, best.0.count / 3) { return best.0 }
        let leaf = lastPart(word)
        return candidates.map { ($0, NearestName.distance(leaf, lastPart($0))) }.filter { $0.1 <= 1 }.min {
            $0.1 < $1.1
        }?.0
    }

    private static func lastPart(_ key: String) -> String {
        key.split(separator: ".").last.map(String.init) ?? key
    }
}
