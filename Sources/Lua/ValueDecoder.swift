internal import CLua

/// Reads values in the layout that `CLua` writes, where `CLua` wrote them: before it is called again.
@safe
struct ValueDecoder {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    @unsafe init(_ bytes: UnsafeRawBufferPointer) {
        unsafe self.bytes = unsafe bytes
    }

    /// The next value, or nil at the end.
    mutating func next() -> LuaValue? {
        guard let tag = byte() else { return nil }
        switch Int(tag) {
        case TW_TAG_NIL: return .nil
        case TW_TAG_NULL: return .null
        case TW_TAG_FALSE: return .boolean(false)
        case TW_TAG_TRUE: return .boolean(true)
        case TW_TAG_INTEGER: return fixed(UInt64.self).map { .integer(Int64(bitPattern: $0)) }
        case TW_TAG_NUMBER: return fixed(UInt64.self).map { .number(Double(bitPattern: $0)) }
        case TW_TAG_STRING: return text().map { .string($0) }
        case TW_TAG_FUNCTION: return fixed(UInt64.self).map { .function(line: Int(truncatingIfNeeded: $0)) }
        case TW_TAG_ARRAY: return array()
        case TW_TAG_OBJECT: return fields().map { .object($0) }
        case TW_TAG_INSTANCE: return instance()
        default: return nil
        }
    }

    mutating func rest() -> [LuaValue] {
        var values: [LuaValue] = []
        while let value = next() { values.append(value) }
        return values
    }

    mutating func string() -> String? {
        if case .string(let text)? = next() { text } else { nil }
    }

    mutating func integer() -> Int? {
        if case .integer(let value)? = next() { Int(value) } else { nil }
    }

    private var count: Int { unsafe bytes.count }

    private mutating func byte() -> UInt8? {
        guard position < count else { return nil }
        defer { position += 1 }
        return unsafe bytes[position]
    }

    private mutating func fixed<Integer: FixedWidthInteger & UnsignedInteger>(_ type: Integer.Type) -> Integer? {
        let size = Integer.bitWidth / 8
        guard count - position >= size else { return nil }
        defer { position += size }
        return unsafe Integer(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Integer.self))
    }

    private mutating func text() -> String? {
        guard let size = fixed(UInt32.self).map(Int.init), count - position >= size else { return nil }
        defer { position += size }
        return unsafe String(decoding: bytes[position..<position + size], as: UTF8.self)
    }

    private mutating func array() -> LuaValue? {
        guard let members = fixed(UInt32.self).map(Int.init) else { return nil }
        var values: [LuaValue] = []
        values.reserveCapacity(min(members, count - position))
        for _ in 0..<members {
            guard let value = next() else { return nil }
            values.append(value)
        }
        return .array(values)
    }

    private mutating func fields() -> [String: LuaValue]? {
        guard let members = fixed(UInt32.self).map(Int.init) else { return nil }
        var fields: [String: LuaValue] = [:]
        fields.reserveCapacity(min(members, count - position))
        for _ in 0..<members {
            guard let name = text(), let value = next() else { return nil }
            fields[name] = value
        }
        return fields
    }

    private mutating func instance() -> LuaValue? {
        guard let type = text(), let fields = fields() else { return nil }
        return .instance(type: type, fields: fields)
    }
}
