/// Rules of who may know whom.
enum ImportRules {
    /// The floors of the house: a target knows only those on lower ones.
    private static let levels = [
        "BoundedListener": 0, "CLua": 0, "StockLua": 0, "Conversations": 0, "DurableExecution": 0, "Packs": 0,
        "PublicAddresses": 0,
        "Lua": 1, "AgentPhoneClient": 1, "ConversationGateway": 1,
        "Rules": 2,
        "Console": 3, "RulesTesting": 3,
        "Benchmarks": 4, "tidewire": 4,
    ]

    /// What comes with the toolchain. XCTest is not here: the tests are written with Swift Testing.
    private static let toolchain: Set = [
        "Darwin", "Dispatch", "Foundation", "FoundationEssentials", "FoundationNetworking", "Glibc", "Observation",
        "PackageDescription", "RegexBuilder", "Swift", "Synchronization", "Testing", "_Concurrency",
    ]

    /// Imports that the manifest does not give: SwiftPM lets them pass when some other target builds the module.
    static func problems(in file: String, _ content: String, _ manifest: Manifest) -> [Problem] {
        guard file.hasSuffix(".swift"), file.hasPrefix("Sources/") || file.hasPrefix("Tests/") else { return [] }
        guard let target = manifest.target(of: file) else {
            return [Problem(file: file, message: "belongs to no target of Package.swift")]
        }
        let given = toolchain.union(target.dependencies.map(\.name))
        return SourceText(content).lines.enumerated().compactMap { index, line in
            guard let module = importedModule(line.code), !given.contains(module) else { return nil }
            return Problem(
                file: file, line: index + 1,
                message: "imports \(module), which Package.swift does not give to \(target.name)")
        }
    }

    /// Dependencies that go sideways or up, and targets without a place in the house.
    static func problems(in manifest: Manifest) -> [Problem] {
        manifest.targets.filter { $0.folder.hasPrefix("Sources/") }.flatMap { target -> [Problem] in
            guard let level = levels[target.name] else {
                return [
                    Problem(
                        file: "Package.swift",
                        message:
                            "\(target.name) has no level: give it one in scripts/checks/Structure/ImportRules.swift")
                ]
            }
            return target.dependencies.compactMap { dependency in
                guard let below = levels[dependency.name], below >= level else { return nil }
                return Problem(
                    file: "Package.swift",
                    message: "\(target.name) (level \(level)) depends on \(dependency.name) (level \(below)); "
                        + "a target knows only those on lower levels")
            }
        }
    }

    private static func importedModule(_ code: String) -> String? {
        let attributes = /(?:@\w+(?:\([^)]*\))?\s+)*/
        let access = /(?:(?:public|package|internal|fileprivate|private)\s+)?/
        let kind = /(?:(?:typealias|struct|class|enum|protocol|let|var|func|actor)\s+)?/
        guard let start = try? attributes.prefixMatch(in: code.drop(while: \.isWhitespace)),
            let second = try? access.prefixMatch(in: code[start.range.upperBound...]),
            let keyword = code[second.range.upperBound...].prefixMatch(of: /import\s+/),
            let third = try? kind.prefixMatch(in: code[keyword.range.upperBound...])
        else { return nil }
        return code[third.range.upperBound...].prefixMatch(of: /\w+/).map { String($0.output) }
    }
}
