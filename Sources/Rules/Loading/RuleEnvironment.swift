import Lua
import Packs

/// The Lua environment in which a pack's files run.
enum RuleEnvironment {
    /// The bindings' files, one after the other, each given `host` and what they share.
    static let prelude = LuaSource(
        name: "bindings.lua",
        text: "local host, shared = ..., {}\n"
            + [
                PackageResources.shared_lua, PackageResources.conversation_lua, PackageResources.modules_lua,
                PackageResources.waits_lua, PackageResources.types_lua,
            ].map { "(function(...)\n\(String(decoding: $0, as: UTF8.self))\nend)(host, shared);\n" }.joined()
            + "return shared.globals\n")

    /// - Throws: ``PackError`` if a module is not text.
    static func make(
        for pack: Pack, log: LogBuffer, limits: LuaLimits = LuaLimits()
    ) throws(PackError) -> LuaEnvironment {
        var modules: [String: LuaSource] = [:]
        for module in pack.modules {
            let source = LuaSource(
                name: RulePack.sourceName(module.path, in: pack), text: try pack.text(of: module.path))
            modules[module.name] = source
            modules["lib." + module.name] = source
        }
        return LuaEnvironment(
            prelude: prelude, functions: HostFunctions.all(log: log), modules: modules, limits: limits)
    }
}
