import Conversations
import Foundation
import Logging

/// Writes each log line as a JSON object on standard error, for machines.
struct JSONLogHandler: LogHandler {
    let label: String
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields: [String: JSONValue] = [:]
        for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }) {
            fields[key] = .string("\(value)")
        }
        fields["time"] = .string(Timestamp(Date()).description)
        fields["level"] = .string(event.level.rawValue)
        fields["logger"] = .string(label)
        fields["message"] = .string("\(event.message)")
        guard let text = try? JSONValue.object(fields).text() else { return }
        Terminal.error(String(decoding: text, as: UTF8.self))
    }
}

extension Logger {
    /// For servers, whose coming and going the process tells itself: warnings and worse only.
    var forServers: Logger {
        var logger = self
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }
}

extension TidewireConfiguration.Log {
    /// Makes every logger of the process write as configured. To be called once.
    func bootstrap() {
        let level = level
        let format = format
        LoggingSystem.bootstrap { label in
            switch format {
            case .json:
                return JSONLogHandler(label: label, logLevel: level)
            case .text:
                var handler = StreamLogHandler.standardError(label: label)
                handler.logLevel = level
                return handler
            }
        }
    }
}
