internal import CLua

/// Answers a call from Lua at once, as ``LuaHostFunction`` does, at about the cost of a function in C: it reads the
/// arguments where Lua has them, and takes and answers only values without parts.
public typealias LuaDirectFunction = @Sendable (borrowing LuaCall) throws(LuaHostError) -> Void

/// A call of a ``LuaDirectFunction`` under way; it cannot be kept.
///
/// Arguments are counted from 0, eight at most; one that is missing reads as nil.
@safe
public struct LuaCall: ~Copyable {
    private let call: UnsafeMutablePointer<tw_call>

    fileprivate init(_ call: UnsafeMutablePointer<tw_call>) {
        unsafe self.call = unsafe call
    }

    /// How many arguments there are.
    public var count: Int { unsafe Int(call.pointee.count) }

    /// Whether the argument is nil or missing.
    public func isNil(at index: Int) -> Bool {
        guard let value = unsafe tw_call_value(call, Int64(index)) else { return true }
        return unsafe value.pointee.tag == Int32(TW_TAG_NIL)
    }

    /// The argument if it is an integer.
    public func integer(at index: Int) -> Int64? {
        guard let value = unsafe tw_call_value(call, Int64(index)), unsafe value.pointee.tag == Int32(TW_TAG_INTEGER)
        else { return nil }
        return unsafe value.pointee.bits
    }

    /// The argument if it is a number of either kind.
    public func number(at index: Int) -> Double? {
        guard let value = unsafe tw_call_value(call, Int64(index)) else { return nil }
        switch unsafe Int(value.pointee.tag) {
        case TW_TAG_INTEGER: return unsafe Double(value.pointee.bits)
        case TW_TAG_NUMBER: return unsafe Double(bitPattern: UInt64(bitPattern: value.pointee.bits))
        default: return nil
        }
    }

    /// The argument if it is a boolean.
    public func boolean(at index: Int) -> Bool? {
        guard let value = unsafe tw_call_value(call, Int64(index)) else { return nil }
        switch unsafe Int(value.pointee.tag) {
        case TW_TAG_TRUE: return true
        case TW_TAG_FALSE: return false
        default: return nil
        }
    }

    /// The argument if it is text; nil also for bytes that are not UTF-8.
    public func string(at index: Int) -> String? {
        guard let bytes = unsafe bytes(at: index) else { return nil }
        return unsafe String(validating: bytes, as: UTF8.self)
    }

    /// Calls `body` with the bytes of the argument; nil if it is not a string.
    public func withBytes<Result, Failure: Error>(
        at index: Int, _ body: (borrowing Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard let bytes = unsafe bytes(at: index) else { return nil }
        return try unsafe body(Span(_unsafeBytes: bytes))
    }

    /// Lua's own, which stay until the function returns.
    private func bytes(at index: Int) -> UnsafeRawBufferPointer? {
        guard let value = unsafe tw_call_value(call, Int64(index)), unsafe value.pointee.tag == Int32(TW_TAG_STRING)
        else { return nil }
        return unsafe UnsafeRawBufferPointer(start: value.pointee.text, count: value.pointee.count)
    }

    /// Adds nil to the results.
    public func answerNil() { add(TW_TAG_NIL, 0) }

    /// Adds a result, of which there may be eight.
    public func answer(_ value: Int64) { add(TW_TAG_INTEGER, value) }

    public func answer(_ value: Double) { add(TW_TAG_NUMBER, Int64(bitPattern: value.bitPattern)) }

    public func answer(_ value: Bool) { add(value ? TW_TAG_TRUE : TW_TAG_FALSE, 0) }

    /// - Throws: ``LuaHostError`` when there is no memory for the text.
    public func answer(_ text: String) throws(LuaHostError) {
        var text = text
        let count = text.utf8.count
        let start = text.withUTF8 { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { unsafe tw_call_text(call, $0.baseAddress, count) }
        }
        try addText(start, count)
    }

    /// Adds a result: a string of these bytes.
    ///
    /// - Throws: ``LuaHostError`` when there is no memory for them.
    public func answer(_ bytes: borrowing Span<UInt8>) throws(LuaHostError) {
        let start = unsafe bytes.withUnsafeBytes { bytes in
            unsafe tw_call_text(call, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        try addText(start, bytes.count)
    }

    private func addText(_ start: Int64, _ count: Int) throws(LuaHostError) {
        guard start >= 0 else { throw LuaHostError(code: "memory", message: "not enough memory") }
        add(TW_TAG_STRING, start, count)
    }

    private func add(_ tag: Int, _ bits: Int64, _ count: Int = 0) {
        guard let answer = unsafe tw_call_answer(call) else {
            preconditionFailure("a direct function answers with at most \(TW_CALL_VALUES) values")
        }
        unsafe answer.pointee.tag = Int32(tag)
        unsafe answer.pointee.bits = bits
        unsafe answer.pointee.count = count
    }
}

/// What Lua keeps the address of.
final class DirectFunction: Sendable {
    fileprivate let body: LuaDirectFunction

    init(_ body: @escaping LuaDirectFunction) {
        self.body = body
    }
}

/// What Lua calls. It returns in every case, so that no Lua error passes over a frame of Swift.
func callDirectFunction(context: UnsafeMutableRawPointer?, call: UnsafeMutablePointer<tw_call>?) -> Int32 {
    guard let context = unsafe context, let call = unsafe call else { return 1 }
    return unsafe Unmanaged<DirectFunction>.fromOpaque(context)._withUnsafeGuaranteedRef { function in
        let view = unsafe LuaCall(call)
        do throws(LuaHostError) {
            try function.body(view)
            return 0
        } catch {
            let bytes = ValueEncoder(error).bytes
            unsafe bytes.withUnsafeBufferPointer { unsafe tw_set_input(call.pointee.host, $0.baseAddress, $0.count) }
            return 1
        }
    }
}
