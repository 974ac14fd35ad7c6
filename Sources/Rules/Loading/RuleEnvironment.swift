import Lua
import Packs

/// The Lua environment in which a pack's files run.
enum RuleEnvironment {
    private static let prelude = LuaSource(
        name: "bindings.lua", text: String(decoding: PackageResources.bindings_lua, as: UTF8.self))

    /// - Throws: ``PackError`` if a module is not text.
    static func make(for pack: Pack, log: LogBuffer) throws(PackError) -> LuaEnvironment {
        var modules: [String: LuaSource] = [:]
        for module in pack.modules {
            let source = LuaSource(
                name: RulePack.sourceName(module.path, in: pack), text: try pack.text(of: module.path))
            modules[module.name] = source
            modules["lib." + module.name] = source
        }
        return LuaEnvironment(prelude: prelude, functions: HostFunctions.all(log: log), modules: modules)
    }
}
