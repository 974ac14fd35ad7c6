import CustomDump

/// `expectNoDifference` for values that must be awaited.
func expectEqual<Value: Equatable>(
    _ actual: Value, _ expected: Value, _ message: String = "", fileID: StaticString = #fileID,
    filePath: StaticString = #filePath, line: UInt = #line, column: UInt = #column
) {
    expectNoDifference(
        actual, expected, message.isEmpty ? nil : message, fileID: fileID, filePath: filePath, line: line,
        column: column)
}
