import Conversations
import DurableExecution
import Foundation
import Lua
import Synchronization

/// What a script logged since somebody last looked.
final class LogBuffer: Sendable {
    /// What a script may log between two commands. The rest is dropped, and one line says so.
    struct Limits: Sendable, Hashable {
        var lines = 200
        /// Of messages and fields.
        var bytes = 64 << 10
    }

    private struct State {
        var lines: [LogLine] = []
        var bytes = 0
        var dropped = 0
    }

    private let limits: Limits
    private let state = Mutex(State())

    init(_ limits: Limits = Limits()) { self.limits = limits }

    func append(_ line: LogLine) {
        let bytes = line.message.utf8.count + (line.fields?.count ?? 0)
        state.withLock { state in
            guard state.lines.count < limits.lines, state.bytes + bytes <= limits.bytes else {
                return state.dropped += 1
            }
            state.lines.append(line)
            state.bytes += bytes
        }
    }

    func drain() -> [LogLine] {
        let state = state.withLock { state in
            defer { state = State() }
            return state
        }
        guard state.dropped > 0 else { return state.lines }
        let what = state.dropped == 1 ? "1 further log line was" : "\(state.dropped) further log lines were"
        return state.lines + [
            LogLine(
                level: "warning",
                message:
                    "\(what) dropped: between two commands \(limits.lines) lines and \(limits.bytes) bytes are kept "
                    + "(limits.step_log_lines, limits.step_log_bytes)")
        ]
    }
}

/// Functions that bindings call without leaving Lua's thread: pure ones, and the log.
enum HostFunctions {
    static func all(log: LogBuffer) -> [String: LuaHostFunction] {
        [
            "log": { arguments throws(LuaHostError) in
                log.append(try line(arguments))
                return []
            },
            "seconds": { arguments throws(LuaHostError) in [seconds(arguments.first ?? .nil)] },
            "time_iso": { arguments throws(LuaHostError) in
                guard let seconds = arguments.first?.double, seconds.isFinite else {
                    throw LuaHostError(code: "bad_value", message: "time.iso: the seconds must be a finite number")
                }
                return [.string(Timestamp(Date(timeIntervalSince1970: seconds)).description)]
            },
            "time_parse": { arguments throws(LuaHostError) in
                guard case .string(let text)? = arguments.first, let time = Timestamp(text) else { return [.nil] }
                return [.number(Double(time.microseconds) / 1_000_000)]
            },
            "time_date": { arguments throws(LuaHostError) in date(arguments) },
        ]
    }

    private static func line(_ arguments: [LuaValue]) throws(LuaHostError) -> LogLine {
        guard arguments.count >= 2, case .string(let level) = arguments[0], case .string(let text) = arguments[1]
        else { return LogLine(level: "info", message: "") }
        let message = text.utf8.count > textLimit ? String(text.prefix(textLimit / 4)) + "… (cut)" : text
        guard arguments.count > 2, arguments[2] != .nil else { return LogLine(level: level, message: message) }
        let fields = try? arguments[2].json().text()
        guard let fields, fields.count <= textLimit else {
            let why = fields == nil ? "hold what JSON can't" : "are over \(textLimit / 1024) KB"
            return LogLine(level: level, message: message + " (the fields \(why), so they are left out)")
        }
        return LogLine(level: level, message: message, fields: fields)
    }

    /// Longest message and longest fields of a log line, in bytes.
    private static let textLimit = 16 * 1024

    /// A hundred years either way: past it, arithmetic with dates is of no use to anyone.
    private static let secondsLimit: Double = 100 * 366 * 86_400

    private static func seconds(_ value: LuaValue) -> LuaValue {
        switch value {
        case .integer(let seconds) where abs(Double(seconds)) <= secondsLimit: .integer(seconds)
        case .number(let seconds) where abs(seconds) <= secondsLimit: .number(seconds)
        case .string(let text):
            (try? DurationText.parse(text)).map { self.seconds(.number($0 / .seconds(1))) } ?? .nil
        default: .nil
        }
    }

    private static func date(_ arguments: [LuaValue]) -> [LuaValue] {
        guard arguments.count == 2, let seconds = arguments[0].double, seconds.isFinite,
            case .string(let name) = arguments[1]
        else { return [.nil, .string("time.date: the seconds must be a finite number")] }
        guard let zone = TimeZone(identifier: name) else {
            return [.nil, .string("time.date: there is no time zone \"\(name)\"; one is called \"Europe/Berlin\"")]
        }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let date = Timestamp(Date(timeIntervalSince1970: seconds)).date
        let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second, .weekday], from: date)
        let fields: [(String, Int?)] = [
            ("year", parts.year), ("month", parts.month), ("day", parts.day), ("hour", parts.hour),
            ("minute", parts.minute), ("second", parts.second), ("weekday", parts.weekday),
        ]
        return [.object(Dictionary(uniqueKeysWithValues: fields.map { ($0, .integer(Int64($1 ?? 0))) }))]
    }
}

extension LuaValue {
    var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }
}
