import Lua

/// What things cost that stock Lua has no counterpart for, in processor time.
struct LuaCosts {
    var rounds: Int

    func show() throws {
        print("\n" + Row.line(["Costs", "µs"]))
        let rule = Self.rule
        let bytes = try stateBytes(rule)
        print(Row.line(["fresh state", Row.number(try each(200) { _ = try LuaState(Sandbox.environment) } / 1e3)]))
        print(
            Row.line(["  with a 200-line rule", Row.number(try each(100) { _ = try stateBytes(rule) } / 1e3)])
                + "    \(bytes) bytes")
        let sandbox = try Sandbox("return ...")
        print(Row.line(["starting an invocation", Row.number(try each(20_000) { _ = try sandbox.start() } / 1e3)]))
        print(Row.line(["  and running it", Row.number(try each(20_000) { try sandbox.run() } / 1e3)]))
        print(Row.line(["a command and its answer", Row.number(try commandTime() / 1e3)]))
        let stock = Stock()
        let pairs = (0..<rounds).map { _ in stock.yieldTime(count: 100_000) }
        print(Row.line(["  lua_resume/yield in C", Row.number(pairs.median / 1e3)]))
    }

    /// The median of the rounds, in nanoseconds for each.
    private func each(_ count: Int, _ body: () throws -> Void) rethrows -> Double {
        try (0..<rounds).map { _ in
            try measured { for _ in 0..<count { try body() } } / Double(count)
        }.median
    }

    private func commandTime() throws -> Double {
        let sandbox = try Sandbox("for i = 1, 20000 do call(i) end")
        return try (0..<rounds).map { _ in try measured { try sandbox.run() } / 20_000 }.median
    }

    private func stateBytes(_ rule: LuaSource) throws -> Int {
        let state = try LuaState(Sandbox.environment)
        _ = try state.describe(rule)
        return state.usedBytes
    }

    /// 200 lines such as rules have.
    private static let rule: LuaSource = {
        let handlers = (1...24).map { number in
            """
            handlers["topic_\(number)"] = function(message)
              local conversation = message.conversation
              local order = message.body:match("ORD%-%d+")
              if order and #order > \(number) then
                conversation:tag { topic = "topic_\(number)", order_id = order, resolved = false }
                return conversation:send("We are looking into " .. order .. ".")
              end
            end
            """
        }
        return LuaSource(
            name: "rules/long.lua",
            text: "local handlers = {}\n" + handlers.joined(separator: "\n") + """

                return {
                  on = "message",
                  run = function(message)
                    local handler = handlers[message.conversation.metadata.topic or "topic_1"]
                    if handler then handler(message) end
                  end,
                }
                """)
    }()
}
