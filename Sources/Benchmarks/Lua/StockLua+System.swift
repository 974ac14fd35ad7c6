import StockLua

/// Lua without sandbox or limits, with two functions in C.
@safe
final class Stock {
    private let lua: OpaquePointer

    init() {
        guard let lua = unsafe stock_lua_new() else { preconditionFailure("not enough memory for a Lua state") }
        unsafe self.lua = lua
    }

    deinit {
        unsafe stock_lua_free(lua)
    }

    func load(_ text: String) throws {
        if unsafe stock_lua_load(lua, text) != 0 { throw failure }
    }

    /// Runs what was loaded.
    func run() throws {
        if unsafe stock_lua_run(lua) != 0 { throw failure }
    }

    /// Nanoseconds of one resume and yield, from C.
    func yieldTime(count: Int) -> Double {
        unsafe stock_lua_yield_time(lua, Int32(count))
    }

    private var failure: StockError { unsafe StockError(message: String(cString: stock_lua_message(lua))) }

    /// Nanoseconds of processor time that this thread has taken.
    static var threadTime: Int64 { stock_lua_thread_time() }
}

struct StockError: Error, CustomStringConvertible {
    var message: String
    var description: String { "stock Lua: \(message)" }
}
