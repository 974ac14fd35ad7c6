import Lua

/// A rule in a state as the host makes it, with the limits on.
final class Sandbox {
    private let state: LuaState
    private let source: LuaSource

    /// Processor time alone is raised: programs are longer than a rule may be.
    static let limits = LuaLimits(memoryBytes: 64 << 20, cpu: .seconds(600), wall: .seconds(600))

    static let environment = LuaEnvironment(
        prelude: LuaSource(
            name: "prelude.lua",
            text: """
                local host = ...
                return {
                  add = host.functions.add, echo = host.functions.echo, echo_string = host.functions.echo_string, add_values = host.functions.add_values,
                  call = function(...) return host.command(2, "call", ...) end,
                }
                """),
        functions: [
            "add_values": { arguments throws(LuaHostError) in
                guard arguments.count == 2, case .integer(let a) = arguments[0], case .integer(let b) = arguments[1]
                else { throw LuaHostError(code: "bad_value", message: "two integers are needed") }
                return [.integer(a &+ b)]
            }
        ],
        directFunctions: [
            "add": { call throws(LuaHostError) in
                guard let a = call.integer(at: 0), let b = call.integer(at: 1) else {
                    throw LuaHostError(code: "bad_value", message: "two integers are needed")
                }
                call.answer(a &+ b)
            },
            "echo": { call throws(LuaHostError) in
                let answered: Void? = try call.withBytes(at: 0) { bytes throws(LuaHostError) in try call.answer(bytes) }
                guard answered != nil else { throw LuaHostError(code: "bad_value", message: "a text is needed") }
            },
            "echo_string": { call throws(LuaHostError) in
                guard let text = call.string(at: 0) else {
                    throw LuaHostError(code: "bad_value", message: "a text is needed")
                }
                try call.answer(text)
            },
        ],
        limits: limits)

    init(_ body: String) throws {
        state = try LuaState(Self.environment)
        source = LuaSource(name: "rule.lua", text: "return { run = function(...) \(body)\nend }")
    }

    func start() throws -> LuaInvocation { try state.start(source, field: "run", arguments: []) }

    /// Runs the rule to its end, going on after each pause.
    func run() throws {
        let invocation = try start()
        var step = invocation.resume(.begin)
        while !invocation.isDone {
            if case .command = step {
                step = invocation.resume(.values([]))
            } else {
                step = invocation.resume(.proceed)
            }
        }
        if case .failed(let error) = step { throw error }
    }
}
