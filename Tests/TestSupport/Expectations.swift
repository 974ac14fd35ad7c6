import CustomDump

/// `expectNoDifference` for values that take an `await` to get.
public func expectSame<Value: Equatable>(
    _ value: Value, _ expected: Value, _ message: String = "", fileID: StaticString = #fileID,
    filePath: StaticString = #filePath, line: UInt = #line, column: UInt = #column
) {
    expectNoDifference(
        value, expected, message.isEmpty ? nil : message, fileID: fileID, filePath: filePath, line: line,
        column: column)
}

/// Expects `body` to throw `expected`, and nothing else.
public func expectError<Failure: Error & Equatable>(
    _ expected: Failure, fileID: StaticString = #fileID, filePath: StaticString = #filePath, line: UInt = #line,
    column: UInt = #column, _ body: () throws -> Void
) {
    do {
        try body()
        expectNoDifference(nil, expected, fileID: fileID, filePath: filePath, line: line, column: column)
    } catch let error as Failure {
        expectNoDifference(error, expected, fileID: fileID, filePath: filePath, line: line, column: column)
    } catch {
        expectNoDifference(
            "\(error)", "\(expected)", fileID: fileID, filePath: filePath, line: line, column: column)
    }
}
