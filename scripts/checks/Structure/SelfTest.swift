/// Feeds each rule what it must refuse, and what it must let pass.
enum SelfTest {
    private struct Sample {
        var file: String
        var content: String
        /// The lines with problems; 0 for the file as a whole.
        var lines: [Int]
    }

    private static let manifest = Manifest(targets: [
        target("Lua", ["CLua"]), target("Rules", ["Lua", "Logging"]), target("RulesTests", ["Rules"], type: "test"),
    ])

    private static let long = String(repeating: "\n", count: TextRules.lineLimit)

    private static let samples: [Sample] = [
        Sample(file: "Sources/Rules/A.swift", content: long, lines: []),
        Sample(file: "Sources/Rules/A.swift", content: long + "\n", lines: [0]),
        Sample(file: "Sources/Lua/a.c", content: long + "\n", lines: [0]),
        Sample(file: "Sources/Rules/A.swift", content: "let a = try! b()\n", lines: [1]),
        Sample(file: "Sources/Rules/A.swift", content: "let a = b as! C\nfatalError(\"no\")", lines: [1, 2]),
        Sample(file: "Sources/Rules/A.swift", content: "let a = \"\\(try! b())\"", lines: [1]),
        Sample(file: "Sources/Rules/A.swift", content: "let a = b as! C  // Always a C.\n", lines: []),
        Sample(file: "Sources/Rules/A.swift", content: "// Never fails.\nlet a = try! b()", lines: []),
        Sample(file: "Sources/Rules/A.swift", content: "// Far above.\n\nlet a = try! b()", lines: [3]),
        Sample(file: "Sources/Rules/A.swift", content: "let a = \"try! it\"\nlet b = #\"as! \"it\"#", lines: []),
        Sample(file: "Sources/Rules/A.swift", content: "let a = \"\"\"\n    // try!\n    \"\"\"\nas!", lines: [4]),
        Sample(file: "Sources/Rules/A.swift", content: "/* try! /* as! */ try! */ try!", lines: []),
        Sample(file: "Sources/Rules/A.swift", content: "let a = unsafe b()", lines: [1]),
        Sample(file: "Tests/RulesTests/A.swift", content: "let a = unsafe b()", lines: [1]),
        Sample(file: "Sources/Lua/A.swift", content: "let a = unsafe b()", lines: []),
        Sample(file: "Sources/Rules/A+System.swift", content: "let a = unsafe b()", lines: []),
        Sample(file: "Sources/Rules/A.swift", content: "let unsafely = \"unsafe\"  // unsafe", lines: []),
        Sample(file: "Sources/Rules/A.swift", content: "nonisolated(unsafe) var a = 1", lines: [1]),
        Sample(file: "Sources/Rules/A.swift", content: "// By the lock.\nnonisolated(unsafe) var a = 1", lines: []),
        Sample(file: "Sources/Rules/A.swift", content: "class A: @unchecked Sendable {}", lines: [1]),
        Sample(file: "Sources/Rules/A.swift", content: "class A: @unchecked Sendable {\n  // By b.\n}", lines: []),
        Sample(file: "Sources/Rules/A.swift", content: "fatalError(\n  // Never.\n)", lines: [1]),
        Sample(file: "Sources/Rules/A.swift", content: "let a = 1  // TODO: b", lines: [1]),
        Sample(file: "Sources/Rules/A.swift", content: "let a = \"TODO\"", lines: []),
        Sample(file: "Sources/CLua/a.c", content: "int a; /* FIXME */", lines: [1]),
        Sample(file: "Tests/RulesTests/a.lua", content: "-- TODO", lines: [1]),
        Sample(file: "Sources/Rules/A.swift", content: "import Foundation\npublic import Logging", lines: []),
        Sample(file: "Sources/Rules/A.swift", content: "import NIOCore\n// import B\nimport CLua", lines: [1, 3]),
        Sample(file: "Sources/Lua/A.swift", content: "@_exported import struct Logging.Logger", lines: [1]),
        Sample(file: "Tests/RulesTests/A.swift", content: "@testable import Rules\nimport XCTest", lines: [2]),
        Sample(file: "Sources/Nowhere/A.swift", content: "", lines: [0]),
        Sample(file: "Sources/Package.resolved", content: "", lines: [0]),
        Sample(file: ".build-asan/a.o", content: "", lines: [0]),
        Sample(file: "notes.md", content: "", lines: [0]),
        Sample(file: "docs/a.md", content: "", lines: [0]),
        Sample(file: ".gitignore", content: "", lines: []),
        Sample(file: "examples/photos/README.md", content: "", lines: []),
    ]

    /// Manifests with the number of their problems.
    private static let manifests: [([Manifest.Target], Int)] = [
        ([target("Lua", ["CLua"]), target("Rules", ["Lua", "Packs"])], 0),
        ([target("Packs", ["Conversations"])], 1),
        ([target("Lua", ["Rules"])], 1),
        ([target("Elsewhere", [])], 1),
    ]

    /// What a rule failed to see or saw wrongly.
    static func failures() -> [String] {
        let texts = samples.compactMap { sample -> String? in
            let found = problems(in: sample.file, sample.content, manifest).map { $0.line ?? 0 }.sorted()
            return found == sample.lines ? nil : "\(sample): found \(found)"
        }
        let houses = manifests.compactMap { targets, count -> String? in
            let found = ImportRules.problems(in: Manifest(targets: targets))
            return found.count == count ? nil : "\(targets.map(\.name)): found \(found)"
        }
        return texts + houses
    }

    private static func target(_ name: String, _ dependencies: [String], type: String = "regular") -> Manifest.Target {
        Manifest.Target(
            name: name, type: type, path: nil, dependencies: dependencies.map { Manifest.Dependency(name: $0) })
    }
}
