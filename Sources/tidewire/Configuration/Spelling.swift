/// Finds what somebody probably meant to write.
enum Spelling {
    /// The nearest of `candidates`, if it is near enough to be worth naming: a third of its length away, and one edit
    /// in any case. Where only the section is missing or another one (`body_limit` for `webhook.body_limit`), that counts as near.
    static func nearest(to word: String, among candidates: [String]) -> String? {
        let best = candidates.map { ($0, distance(word, $0)) }.min { $0.1 < $1.1 }
        if let best, best.1 <= max(1, best.0.count / 3) { return best.0 }
        let leaf = lastPart(word)
        return candidates.map { ($0, distance(leaf, lastPart($0))) }.filter { $0.1 <= 1 }.min { $0.1 < $1.1 }?.0
    }

    private static func lastPart(_ key: String) -> String {
        key.split(separator: ".").last.map(String.init) ?? key
    }

    /// How many insertions, removals, replacements and swaps of neighbours make one word the other
    /// (optimal string alignment), upper and lower case alike.
    static func distance(_ first: String, _ second: String) -> Int {
        let first = Array(first.lowercased())
        let second = Array(second.lowercased())
        var rows = [Array(0...second.count)]
        for i in 1..<(first.count + 1) {
            var row = [i]
            for j in 1..<(second.count + 1) {
                let change = rows[i - 1][j - 1] + (first[i - 1] == second[j - 1] ? 0 : 1)
                var best = min(rows[i - 1][j] + 1, row[j - 1] + 1, change)
                if i > 1, j > 1, first[i - 1] == second[j - 2], first[i - 2] == second[j - 1] {
                    best = min(best, rows[i - 2][j - 2] + 1)
                }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[first.count][second.count]
    }
}
