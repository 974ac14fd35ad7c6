import Conversations
import Yams

extension Scene {
    /// Reads a scene from YAML, as <doc:Gateway> describes it.
    ///
    /// - Parameter files: Whether there is a file that a text names as media.
    /// - Throws: ``SceneError`` with everything that is wrong, each with its line.
    public init(yaml text: String, files: (String) -> Bool) throws(SceneError) {
        let root: Node?
        do {
            root = try Parser(yaml: text).singleRoot()
        } catch {
            throw SceneError(syntax: error)
        }
        var reader = SceneReader()
        let scene = reader.read(root, files: files)
        guard reader.problems.isEmpty else {
            throw SceneError(reader.problems.sorted { ($0.line ?? 0) < ($1.line ?? 0) })
        }
        self = scene
    }

    /// Reads a number with its unit: `ms`, `s`, `m` or `h`; at most a day.
    static func duration(_ text: String) -> Duration? {
        let number = text.prefix { $0.isNumber || $0 == "." }
        guard let value = Double(number), value.isFinite else { return nil }
        let units: [String: Double] = ["ms": 0.001, "s": 1, "m": 60, "h": 3600]
        guard let unit = units[String(text.dropFirst(number.count))], value * unit <= 86400 else { return nil }
        return .seconds(value * unit)
    }
}

extension SceneError {
    fileprivate init(syntax error: any Error) {
        switch error {
        case YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
            YamlError.composer(_, let problem, let mark, _):
            self.init(line: mark.line, "not valid YAML: \(problem)")
        case YamlError.duplicatedKeysInMapping(let keys, let context):
            self.init(line: context.mark.line, "set twice: \(keys.sorted().joined(separator: ", "))")
        default: self.init(line: nil, "not valid YAML: \(error)")
        }
    }
}

/// Goes through a scene's nodes and notes all that is wrong.
private struct SceneReader {
    private(set) var problems: [SceneError.Problem] = []
    private var phones: [String: Scene.Phone] = [:]
    private var groups: [String: [String]] = [:]
    /// The messages that have a name so far.
    private var messages: Set<String> = [Scene.agent]

    mutating func read(_ root: Node?, files: (String) -> Bool) -> Scene {
        guard let root else {
            note(nil, "a scene has the keys phones, groups, steps")
            return Scene(phones: [:], steps: [])
        }
        guard let fields = fields(root, "a scene", known: ["phones", "groups", "steps"], needs: ["phones"])
        else { return Scene(phones: [:], steps: []) }
        readPhones(fields["phones"])
        readGroups(fields["groups"])
        var steps: [Scene.Step] = []
        if let list = fields["steps"]?.sequence {
            for node in list { if let step = step(node, files) { steps.append(step) } }
        } else if let node = fields["steps"] {
            note(node, "steps must be a list")
        } else {
            note(root, "a scene needs steps")
        }
        return Scene(phones: phones, groups: groups, steps: steps)
    }

    private mutating func readPhones(_ node: Node?) {
        for (name, node) in named(node, "phones") {
            guard let fields = fields(node, "a phone", known: ["address", "imessage"], needs: ["address"]) else {
                continue
            }
            let address = text(fields["address"], "address") ?? ""
            let imessage = boolean(fields["imessage"], "imessage") ?? true
            switch ParticipantAddress(address)?.kind {
            case nil, .shortCode, .group:
                if let node = fields["address"] {
                    note(node, "address must be a phone number such as +15559876543, or an e-mail address")
                }
            case .email where !imessage: note(node, "nothing but iMessage reaches an e-mail address")
            default: break
            }
            phones[name] = Scene.Phone(address: address, imessage: imessage)
        }
    }

    private mutating func readGroups(_ node: Node?) {
        guard let node else { return }
        for (name, node) in named(node, "groups") {
            let members = list(node, "a group") ?? []
            for member in members { check(phone: member, node) }
            if Set(members).count != members.count || !(2...32).contains(members.count) {
                note(node, "a group has 2 to 32 different phones")
            }
            if members.contains(where: { phones[$0]?.imessage == false }) {
                note(node, "a group needs iMessage on all sides")
            }
            groups[name] = members
        }
    }

    private mutating func step(_ node: Node, _ files: (String) -> Bool) -> Scene.Step? {
        let kinds = ["wait", "text", "agent", "react", "expect"]
        guard let mapping = node.mapping, mapping.count == 1,
            let (key, value) = mapping.first.map({ ($0.key, $0.value) }),
            let kind = key.scalar?.string, kinds.contains(kind)
        else {
            note(node, "a step is one of \(kinds.joined(separator: ", "))")
            return nil
        }
        let action: Scene.Action? =
            switch kind {
            case "wait": duration(value, "wait").map(Scene.Action.wait)
            case "text": text(value, files)
            case "agent": answer(value)
            case "react": tapback(value)
            default: expectation(value)
            }
        return action.map { Scene.Step(line: key.mark?.line ?? 0, $0) }
    }

    private mutating func text(_ node: Node, _ files: (String) -> Bool) -> Scene.Action? {
        let known = ["from", "to", "group", "body", "media", "reply_to", "name"]
        guard let fields = fields(node, "a text", known: known, needs: ["from"]) else { return nil }
        var step = Scene.Text(from: phone(fields["from"], "from"))
        step.to = text(fields["to"], "to")
        if let to = step.to, ParticipantAddress(to)?.isPhoneNumber != true {
            note(fields["to"], "to must be one of the project's numbers, such as +15551234567")
        }
        step.group = text(fields["group"], "group")
        if let group = step.group {
            if groups[group] == nil {
                note(fields["group"], "there is no group \"\(group)\"\(among(groups.keys))")
            } else if groups[group]?.contains(step.from) == false, phones[step.from] != nil {
                note(fields["group"], "\(step.from) is not in the group \(group)")
            }
        }
        step.body = text(fields["body"], "body") ?? ""
        step.media = fields["media"].flatMap { list($0, "media") } ?? []
        for item in step.media where !item.hasPrefix("https://") && !item.hasPrefix("http://") && !files(item) {
            note(fields["media"], "there is no file \(item)")
        }
        if step.body.isEmpty, step.media.isEmpty { note(node, "a text needs a body, or media") }
        if step.media.count > 20 { note(fields["media"], "a text has at most 20 media") }
        step.replyTo = text(fields["reply_to"], "reply_to")
        if let name = step.replyTo { check(message: name, fields["reply_to"]) }
        step.name = newName(fields["name"])
        return .text(step)
    }

    private mutating func answer(_ node: Node) -> Scene.Action? {
        guard let fields = fields(node, "agent", known: ["to", "body", "name"], needs: ["to", "body"]) else {
            return nil
        }
        let (to, body) = (phone(fields["to"], "to"), text(fields["body"], "body") ?? "")
        return .answer(Scene.Answer(to: to, body: body, name: newName(fields["name"])))
    }

    private mutating func tapback(_ node: Node) -> Scene.Action? {
        guard let fields = fields(node, "react", known: ["from", "to", "with"], needs: ["from", "to", "with"]) else {
            return nil
        }
        let reaction = ReactionType(rawValue: text(fields["with"], "with") ?? "")
        if !ReactionType.tapbacks.contains(reaction) {
            note(fields["with"], "with must be one of \(ReactionType.tapbacks.map(\.rawValue).joined(separator: ", "))")
        }
        let target = text(fields["to"], "to") ?? ""
        check(message: target, fields["to"])
        return .react(Scene.Tapback(from: phone(fields["from"], "from"), to: target, with: reaction))
    }

    private mutating func expectation(_ node: Node) -> Scene.Action? {
        guard let fields = fields(node, "expect", known: ["to", "body", "within"], needs: ["to"]) else { return nil }
        var expectation = Scene.Expectation(to: phone(fields["to"], "to"), body: text(fields["body"], "body"))
        if let node = fields["within"] { expectation.within = duration(node, "within") ?? expectation.within }
        return .expect(expectation)
    }
}

// What values are made of.
extension SceneReader {
    private mutating func note(_ node: Node?, _ message: String) {
        problems.append(SceneError.Problem(line: node?.mark?.line, message))
    }

    /// The values by key; keys that are unknown or missing are noted.
    private mutating func fields(
        _ node: Node, _ what: String, known: [String], needs: [String]
    ) -> [String: Node]? {
        guard let mapping = node.mapping else {
            note(node, "\(what) has the keys \(known.joined(separator: ", "))")
            return nil
        }
        var fields: [String: Node] = [:]
        for (key, value) in mapping {
            let name = key.scalar?.string ?? "?"
            if known.contains(name) {
                fields[name] = value
            } else {
                note(key, "unknown key \"\(name)\": \(what) has \(known.joined(separator: ", "))")
            }
        }
        let missing = needs.filter { fields[$0] == nil }
        if !missing.isEmpty { note(node, "\(what) needs \(missing.joined(separator: " and "))") }
        return missing.isEmpty ? fields : nil
    }

    private mutating func named(_ node: Node?, _ what: String) -> [(String, Node)] {
        guard let mapping = node?.mapping, !mapping.isEmpty else {
            note(node, "\(what) must have one or more names below it")
            return []
        }
        return mapping.map { ($0.key.scalar?.string ?? "?", $0.value) }
    }

    private mutating func text(_ node: Node?, _ name: String) -> String? {
        guard let node else { return nil }
        guard let scalar = node.scalar, node.null == nil else {
            note(node, "\(name) must be a text")
            return nil
        }
        return scalar.string
    }

    private mutating func boolean(_ node: Node?, _ name: String) -> Bool? {
        guard let node else { return nil }
        guard let value = node.bool else {
            note(node, "\(name) must be true or false")
            return nil
        }
        return value
    }

    private mutating func list(_ node: Node, _ name: String) -> [String]? {
        guard let items = node.sequence?.map({ $0.scalar?.string }), !items.contains(nil) else {
            note(node, "\(name) must be a list such as [one, two]")
            return nil
        }
        return items.compactMap(\.self)
    }

    private mutating func duration(_ node: Node, _ name: String) -> Duration? {
        guard let duration = node.scalar.flatMap({ Scene.duration($0.string) }) else {
            note(node, "\(name) must be a duration of at most a day, such as 500ms, 2s or 1m")
            return nil
        }
        return duration
    }

    private mutating func phone(_ node: Node?, _ name: String) -> String {
        let phone = text(node, name) ?? ""
        if node?.scalar != nil { check(phone: phone, node) }
        return phone
    }

    private mutating func check(phone name: String, _ node: Node?) {
        guard phones[name] == nil else { return }
        note(node, "there is no phone \"\(name)\"\(among(phones.keys))")
    }

    private mutating func check(message name: String, _ node: Node?) {
        guard !messages.contains(name) else { return }
        note(node, "there is no earlier message \"\(name)\"\(among(messages))")
    }

    private mutating func newName(_ node: Node?) -> String? {
        guard let name = text(node, "name") else { return nil }
        if !messages.insert(name).inserted { note(node, "there is an earlier message \"\(name)\"") }
        return name
    }

    private func among(_ names: some Collection<String>) -> String {
        names.isEmpty ? "" : "; there is \(names.sorted().joined(separator: ", "))"
    }
}
