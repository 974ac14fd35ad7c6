import CustomDump

/// `expectNoDifference` for values that take an `await` to get.
func expectSame<Value: Equatable>(
    _ value: Value, _ expected: Value, fileID: StaticString = #fileID, filePath: StaticString = #filePath,
    line: UInt = #line, column: UInt = #column
) {
    expectNoDifference(value, expected, fileID: fileID, filePath: filePath, line: line, column: column)
}
