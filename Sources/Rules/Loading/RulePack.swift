import Lua
public import Packs

/// A pack whose rules were read and found good.
public struct RulePack: Sendable, Hashable {
    public var pack: Pack
    /// In the order of their names.
    public var rules: [Rule]

    public var name: String { pack.manifest.name }
    /// What invocations pin.
    public var version: String { pack.digest }

    /// The rule of that name, pack included; found by halves, since rules are in the order of their names.
    func rule(named name: String) -> Rule? {
        var (low, high) = (0, rules.count)
        while low < high {
            let middle = (low + high) / 2
            if rules[middle].name < name { low = middle + 1 } else { high = middle }
        }
        return low < rules.count && rules[low].name == name ? rules[low] : nil
    }

    /// The source of a file, named so that errors tell pack and file.
    ///
    /// - Throws: ``PackError`` if there is no such file, or it is not text.
    func source(of path: String) throws(PackError) -> LuaSource {
        LuaSource(name: Self.sourceName(path, in: pack), text: try pack.text(of: path))
    }

    /// `photos/rules/heart.lua`: the pack's name without its organisation, since Lua shows 58 characters.
    static func sourceName(_ path: String, in pack: Pack) -> String {
        let name = pack.manifest.name.split(separator: "/").last.map(String.init) ?? pack.manifest.name
        return name + "/" + path
    }
}
