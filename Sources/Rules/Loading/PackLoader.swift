import Lua
public import Packs

/// Reads a pack's rules by running each file once, where nothing can be done but to return a table.
public struct PackLoader: Sendable {
    private let reader = RuleReader()

    public init() {}

    /// - Throws: ``RuleProblems`` with everything that is wrong, not only the first.
    public func load(_ folder: PackFolder) async throws(RuleProblems) -> RulePack {
        try await reader.load(folder)
    }

    /// - Throws: As ``load(_:)-(PackFolder)``.
    public func load(_ pack: Pack) async throws(RuleProblems) -> RulePack {
        try await reader.load(pack)
    }
}

/// The thread on which packs are read, one after the other.
private actor RuleReader: LuaThreadActor {
    nonisolated let luaThread = LuaThread(name: "rule-loader")

    deinit {
        luaThread.shutdown()
    }

    func load(_ folder: PackFolder) throws(RuleProblems) -> RulePack {
        let pack: Pack
        do {
            pack = try folder.read()
        } catch {
            throw RuleProblems([RuleProblem(error)])
        }
        return try load(pack)
    }

    func load(_ pack: Pack) throws(RuleProblems) -> RulePack {
        let state = try state(for: pack)
        var rules: [Rule] = []
        var problems: [RuleProblem] = []
        for (name, path) in pack.rules {
            do {
                rules.append(try read(path, name: "\(pack.manifest.name):\(name)", of: pack, with: state))
            } catch {
                problems += error.problems
            }
        }
        problems += checkModules(of: pack, with: state)
        guard problems.isEmpty else { throw RuleProblems(problems) }
        return RulePack(pack: pack, rules: rules)
    }

    private func state(for pack: Pack) throws(RuleProblems) -> LuaState {
        do {
            return try LuaState(RuleEnvironment.make(for: pack, log: LogBuffer()))
        } catch let error as LuaError {
            throw RuleProblems([RuleProblem(error, file: pack.manifest.name)])
        } catch let error as PackError {
            throw RuleProblems([RuleProblem(error)])
        } catch {
            throw RuleProblems([RuleProblem(file: pack.manifest.name, message: "\(error)")])
        }
    }

    private func read(
        _ path: String, name: String, of pack: Pack, with state: LuaState
    ) throws(RuleProblems) -> Rule {
        let source: LuaSource
        do {
            source = LuaSource(name: RulePack.sourceName(path, in: pack), text: try pack.text(of: path))
        } catch {
            throw RuleProblems([RuleProblem(error)])
        }
        let description: LuaValue
        do {
            description = try state.describe(source)
        } catch {
            throw RuleProblems([RuleProblem(error, file: source.name)])
        }
        return try RuleFileReader(name: name, path: path, source: source).read(description)
    }

    /// Modules that no rule requires at its top are compiled too: a slip in them is found at the save, not at night.
    private func checkModules(of pack: Pack, with state: LuaState) -> [RuleProblem] {
        pack.modules.compactMap { _, path in
            let name = RulePack.sourceName(path, in: pack)
            do {
                try state.check(LuaSource(name: name, text: try pack.text(of: path)))
                return nil
            } catch let error as LuaError {
                return RuleProblem(error, file: name)
            } catch {
                return RuleProblem(file: name, message: "\(error)")
            }
        }
    }
}

extension RuleProblem {
    init(_ error: PackError) {
        self.init(file: error.file ?? "pack", line: error.line, message: error.message)
    }

    init(_ error: LuaError, file: String) {
        self.init(
            file: error.file ?? file, line: error.line, message: error.plainMessage, sourceLine: error.sourceLine)
    }
}

extension LuaError {
    /// The message without the position that Lua put in front of it.
    var plainMessage: String {
        guard let file, let line, message.hasPrefix("\(file):\(line): ") else { return message }
        return String(message.dropFirst("\(file):\(line): ".count))
    }
}
