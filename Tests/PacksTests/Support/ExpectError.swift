import CustomDump
import Packs
import Testing

/// Expects `body` to throw a ``PackError``, and that one alone.
func expectError(
    _ expected: PackError, fileID: StaticString = #fileID, filePath: StaticString = #filePath, line: UInt = #line,
    column: UInt = #column, _ body: () throws -> Void
) {
    var thrown: PackError?
    do {
        try body()
    } catch let error as PackError {
        thrown = error
    } catch {
        Issue.record(error)
    }
    expectNoDifference(thrown, expected, fileID: fileID, filePath: filePath, line: line, column: column)
}
