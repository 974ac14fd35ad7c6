import Foundation
import Synchronization

/// Standard output and error, a whole line at a time.
enum Terminal {
    private static let lock = Mutex<Void>(())

    static func line(_ text: String = "") { write(text, to: .standardOutput) }

    static func error(_ text: String) { write(text, to: .standardError) }

    /// Asks a yes-or-no question where somebody can answer it; no anywhere else.
    static func confirms(_ question: String) -> Bool {
        guard isTerminal(0) else { return false }
        lock.withLock { _ in try? FileHandle.standardOutput.write(contentsOf: Data("\(question) [y/N] ".utf8)) }
        return ["y", "yes"].contains(readLine()?.lowercased() ?? "")
    }

    private static func write(_ text: String, to handle: FileHandle) {
        lock.withLock { _ in
            // A closed pipe is the reader's business.
            try? handle.write(contentsOf: Data((text + "\n").utf8))
        }
    }
}

/// Colours, where somebody looks on. Source: no-color.org.
struct Palette: Sendable {
    var isOn: Bool

    /// On where standard output is a terminal and `NO_COLOR` is not set.
    static let standard = Palette(
        isOn: isTerminal(1) && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty)

    func bold(_ text: String) -> String { paint(text, "1") }
    func dim(_ text: String) -> String { paint(text, "2") }
    func red(_ text: String) -> String { paint(text, "31") }
    func green(_ text: String) -> String { paint(text, "32") }
    func yellow(_ text: String) -> String { paint(text, "33") }
    func blue(_ text: String) -> String { paint(text, "36") }

    private func paint(_ text: String, _ code: String) -> String {
        isOn ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
