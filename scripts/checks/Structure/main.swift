// Judges the repository by its rules of structure.
//
//   structure --self-test
//   structure MANIFEST < FILES    a dump of the package, and the files, one on each line, as seen from the top level
//
// Ends with 1 where a rule is broken, and 2 where it can't judge.

import Foundation

func problems(in file: String, _ content: String, _ manifest: Manifest) -> [Problem] {
    var problems = LayoutRules.problems(in: file)
    if file.hasPrefix("Sources/") || file.hasPrefix("Tests/") {
        problems += TextRules.problems(in: file, content)
    }
    return problems + ImportRules.problems(in: file, content, manifest)
}

func end(_ status: Int32, _ lines: [String]) -> Never {
    for line in lines { FileHandle.standardError.write(Data((line + "\n").utf8)) }
    exit(status)
}

func judge(manifestFile: String) throws -> [Problem] {
    let manifest = try JSONDecoder().decode(Manifest.self, from: Data(contentsOf: URL(filePath: manifestFile)))
    var found = ImportRules.problems(in: manifest)
    var count = 0
    while let file = readLine() {
        // A file that git still lists may be deleted, and a picture is no text.
        guard let data = FileManager.default.contents(atPath: file) else { continue }
        count += 1
        found += problems(in: file, String(data: data, encoding: .utf8) ?? "", manifest)
    }
    guard count > 0 else { end(2, ["structure: no files were given"]) }
    return found
}

switch CommandLine.arguments.dropFirst().first {
case "--self-test":
    let failures = SelfTest.failures()
    if !failures.isEmpty { end(1, failures.map { "self-test: \($0)" }) }
case let manifest?:
    do {
        let found = try judge(manifestFile: manifest)
        if !found.isEmpty { end(1, found.map(\.description)) }
    } catch {
        end(2, ["structure: \(error)"])
    }
case nil:
    end(2, ["usage: structure --self-test | structure MANIFEST < FILES"])
}
