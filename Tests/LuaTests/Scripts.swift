import Lua

/// The prelude of these tests: commands of a `message` and of a module `api`.
let testPrelude = LuaSource(
    name: "prelude.lua",
    text: """
        local host = ...
        local message = {}
        message.__index = message
        function message:react(kind) return host.command(2, "message:react", self.id, kind) end
        function message:refuse() host.error(2, { code = "refused", message = "message:refuse is not for you" }) end
        host.type("message", message)
        local api = {
          call = function(...) return host.command(2, "api.call", ...) end,
          quiet = function() return host.command(0, "api.quiet") end,
          check = function(text) return type(text) == "string" or error("api.check: argument 1 must be a string", 2) end,
          nested = { answer = 42 },
        }
        return { api = api, host_functions = host.functions, text = host.text }
        """)

extension LuaEnvironment {
    static func test(
        functions: [String: LuaHostFunction] = [:], directFunctions: [String: LuaDirectFunction] = [:],
        modules: [String: LuaSource] = [:], limits: LuaLimits = LuaLimits()
    ) -> LuaEnvironment {
        LuaEnvironment(
            prelude: testPrelude, functions: functions, directFunctions: directFunctions, modules: modules,
            limits: limits)
    }
}

extension LuaState {
    /// A rule file whose `run` has this body; the body begins on line 2.
    static func rule(_ body: String, name: String = "rules/test.lua") -> LuaSource {
        LuaSource(name: name, text: "return { run = function(...)\n\(body)\nend }")
    }

    /// Runs the body to its end, answering each command by `answer`.
    func run(
        _ body: String, _ arguments: LuaValue..., answer: (LuaCommand) -> LuaInput = { .values($0.arguments) }
    ) throws(LuaError) -> [LuaValue] {
        let invocation = try start(Self.rule(body), field: "run", arguments: arguments)
        var step = invocation.resume(.begin)
        while true {
            switch step {
            case .command(let command): step = invocation.resume(answer(command))
            case .paused: step = invocation.resume(.proceed)
            case .finished(let values): return values
            case .failed(let error): throw error
            }
        }
    }

    /// The error that the body ends with.
    func failure(
        _ body: String, _ arguments: LuaValue..., answer: (LuaCommand) -> LuaInput = { .values($0.arguments) }
    ) throws -> LuaError {
        do throws(LuaError) {
            let invocation = try start(Self.rule(body), field: "run", arguments: arguments)
            var step = invocation.resume(.begin)
            while !invocation.isDone {
                if case .command(let command) = step { step = invocation.resume(answer(command)) }
                if case .paused = step { step = invocation.resume(.proceed) }
            }
            guard case .failed(let error) = step else { throw LuaError(code: .runtime, message: "it ended: \(step)") }
            return error
        } catch {
            return error
        }
    }
}
