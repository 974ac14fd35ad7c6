/// Finds what somebody meant who mistyped a name.
public enum NearestName {
    /// How much of a name is compared, in characters.
    private static let lengthLimit = 64

    /// The candidate that takes the fewest edits, if it takes few enough to be a likely slip.
    public static func of(_ name: String, among candidates: some Collection<String>) -> String? {
        let limit = max(1, min(name.count, lengthLimit) / 3)
        return candidates.map { (name: $0, distance: distance(name, $0)) }
            .filter { $0.distance <= limit }
            .min { ($0.distance, $0.name) < ($1.distance, $1.name) }?.name
    }

    /// `"; did you mean \"channel\"?"`, or, where nothing is near, `"; known are …"`.
    public static func suggestion(for name: String, among candidates: some Collection<String>) -> String {
        if let nearest = of(name, among: candidates) { return "; did you mean \"\(nearest)\"?" }
        return "; known are \(candidates.sorted().joined(separator: ", "))"
    }

    /// How many insertions, removals, replacements and swaps of neighbours make one word the other (optimal string
    /// alignment), upper and lower case alike. Only the first 64 characters are looked at.
    public static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.prefix(64).lowercased()), Array(right.prefix(64).lowercased()))
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let cost = left[row] == right[column] ? 0 : 1
                var best = min(last[column] + cost, last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                current.append(best)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
