internal import CLua

/// Writes values in the layout that `CLua` reads (`encode.c` describes it).
struct ValueEncoder {
    private(set) var bytes: [UInt8] = []

    init(_ values: [LuaValue]) {
        bytes.reserveCapacity(64)
        for value in values { append(value) }
    }

    /// The five values of a failure: code, message, retryable, level, details.
    init(_ failure: LuaHostError) {
        append(.string(failure.code))
        append(.string(failure.message))
        append(.boolean(failure.retryable))
        append(.integer(Int64(failure.level)))
        append(.object(failure.details))
    }

    mutating func append(_ value: LuaValue) {
        switch value {
        case .nil: tag(TW_TAG_NIL)
        case .null: tag(TW_TAG_NULL)
        case .boolean(let value): tag(value ? TW_TAG_TRUE : TW_TAG_FALSE)
        case .integer(let value):
            tag(TW_TAG_INTEGER)
            fixed(UInt64(bitPattern: value))
        case .number(let value):
            tag(TW_TAG_NUMBER)
            fixed(value.bitPattern)
        case .string(let value):
            tag(TW_TAG_STRING)
            text(value)
        case .array(let values):
            tag(TW_TAG_ARRAY)
            fixed(UInt32(values.count))
            for value in values { append(value) }
        case .object(let fields):
            tag(TW_TAG_OBJECT)
            append(fields)
        case .instance(let type, let fields):
            tag(TW_TAG_INSTANCE)
            text(type)
            append(fields)
        case .function(let line):
            tag(TW_TAG_INTEGER)
            fixed(UInt64(bitPattern: Int64(line)))
        case .json(let value):
            tag(TW_TAG_JSON)
            text(value)
        }
    }

    private mutating func append(_ fields: [String: LuaValue]) {
        fixed(UInt32(fields.count))
        for (name, value) in fields {
            text(name)
            append(value)
        }
    }

    private mutating func tag(_ tag: Int) { bytes.append(UInt8(tag)) }

    private mutating func text(_ text: String) {
        fixed(UInt32(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func fixed<Integer: FixedWidthInteger & UnsignedInteger>(_ value: Integer) {
        unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    }
}
