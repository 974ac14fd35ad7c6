internal import CLua

/// The functions that a state may call, by the numbers under which Lua knows them.
final class HostFunctions: Sendable {
    let names: [String]
    let direct: [(name: String, function: DirectFunction)]
    private let functions: [LuaHostFunction]

    init(_ functions: [String: LuaHostFunction], direct: [String: LuaDirectFunction]) {
        let sorted = functions.sorted { $0.key < $1.key }
        names = sorted.map(\.key)
        self.functions = sorted.map(\.value)
        self.direct = direct.map { ($0.key, DirectFunction($0.value)) }
    }

    /// Answers 0 and results, or 1 and a failure, both encoded.
    fileprivate func call(_ index: Int, _ arguments: [LuaValue]) -> (status: Int32, bytes: [UInt8]) {
        do throws(LuaHostError) {
            return (0, ValueEncoder(try functions[index](arguments)).bytes)
        } catch {
            return (1, ValueEncoder(error).bytes)
        }
    }
}

/// What Lua calls. It returns in every case, so that no Lua error passes over a frame of Swift.
func callHostFunction(
    context: UnsafeMutableRawPointer?, host: OpaquePointer?, index: Int32, bytes: UnsafePointer<UInt8>?, count: Int
) -> Int32 {
    guard let context = unsafe context else { return 1 }
    let functions = unsafe Unmanaged<HostFunctions>.fromOpaque(context).takeUnretainedValue()
    var decoder = unsafe ValueDecoder(UnsafeRawBufferPointer(start: bytes, count: count))
    let answer = functions.call(Int(index), decoder.rest())
    unsafe answer.bytes.withUnsafeBufferPointer { unsafe tw_set_input(host, $0.baseAddress, $0.count) }
    return answer.status
}
