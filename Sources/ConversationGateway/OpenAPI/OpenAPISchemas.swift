import Conversations
import Foundation

/// The shapes of bodies and answers in the interface's description, as JSON Schema.
///
/// Answers close their objects, so that a key more or less than described is found by the tests, which hold every
/// answer that they get against these.
enum OpenAPISchemas {
    static let all: [String: JSONValue] =
        parsed(conversations).merging(parsed(project)) { $1 }.merging(parsed(simulation)) { $1 }

    /// The texts are constants of this file; one that is no JSON would leave its schemas out, which a test finds.
    private static func parsed(_ text: String) -> [String: JSONValue] {
        guard case .object(let schemas)? = try? JSONValue(parsing: Data(text.utf8)) else { return [:] }
        return schemas
    }
}
