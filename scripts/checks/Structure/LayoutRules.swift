/// Rules of what stands where in the repository.
enum LayoutRules {
    private static let topLevel: Set = [
        "LICENSE", "Package.swift", "README.md", "Sources", "Tests", "examples", "scripts",
    ]

    static func problems(in file: String) -> [Problem] {
        let parts = file.split(separator: "/").map(String.init)
        if parts.last == "Package.resolved" || parts.contains(where: { $0.hasPrefix(".build") }) {
            return [Problem(file: file, message: "is made by the build: git rm --cached it")]
        }
        guard let first = parts.first, !first.hasPrefix("."), !topLevel.contains(first) else { return [] }
        return [
            Problem(
                file: file,
                message: "the top level holds only \(topLevel.sorted().joined(separator: ", ")) and dotfiles")
        ]
    }
}
