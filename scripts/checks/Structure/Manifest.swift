import Foundation

/// What `swift package dump-package` tells of the targets.
struct Manifest: Decodable {
    struct Target: Decodable {
        var name: String
        var type: String
        /// Nil: the folder that the name gives.
        var path: String?
        var dependencies: [Dependency]

        var folder: String {
            if let path { return path }
            return (type == "test" ? "Tests/" : "Sources/") + name
        }
    }

    /// A target or a product; a product's module has its name, as all those used here do.
    struct Dependency: Decodable {
        var name: String

        private enum CodingKeys: CodingKey {
            case byName, target, product
        }

        init(name: String) { self.name = name }

        /// The dump gives `{"byName": ["Lua", null]}`, `{"target": […]}` or `{"product": ["GRDB", "GRDB.swift", …]}`.
        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            guard let key = container.allKeys.first else {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: container.codingPath, debugDescription: "a kind of dependency that is not known"))
            }
            var values = try container.nestedUnkeyedContainer(forKey: key)
            name = try values.decode(String.self)
        }
    }

    var targets: [Target]

    /// The target that a file belongs to.
    func target(of file: String) -> Target? {
        targets.filter { file.hasPrefix($0.folder + "/") }.max { $0.folder.count < $1.folder.count }
    }
}
