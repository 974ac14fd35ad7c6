import DurableExecution
import Foundation
import Hummingbird
import Rules

/// What people ask of the rules that run here, and have them do.
extension AdminServer {
    func addHost(_ host: HostControl, to router: Router<BasicRequestContext>) {
        addRecords(EngineRecords(engine: host.engine, isDryHost: host.engine.isDryRun), to: router)
        addRuns(host, to: router)
        router.get("/standstill") { _, _ in try await answer { await host.standstill() } }
        router.post("/pause") { request, _ in
            try await answer {
                try await host.pause(try request.required("subject"), reason: request.query["reason"])
            }
        }
        router.post("/resume") { request, _ in
            try await answer { ["runs": try await host.resume(try request.required("subject"))] }
        }
        addOptOuts(host.rules, to: router)
        router.post("/forget") { request, _ in
            try await answer { try await host.rules.forget(try request.required("participant")) }
        }
        router.post("/events/:number/:action") { request, context in
            try await stream { () async throws -> RehearsedPages in
                let number = try context.parameters.require("number", as: Int64.self)
                switch try context.parameters.require("action") {
                case "replay":
                    let trace = try await host.engine.replay(number, performing: request.query["perform"] == "true")
                    return RehearsedPages(trace, isDryHost: host.engine.isDryRun)
                case "retry":
                    _ = try await host.engine.retry(event: number)
                    return RehearsedPages(
                        try await host.engine.outline(ofEvent: number), isDryHost: host.engine.isDryRun)
                case let action: throw CommandError(ExitStatus.usage, "there is no action \(action)")
                }
            }
        }
    }

    private func addOptOuts(_ rules: RuleHost, to router: Router<BasicRequestContext>) {
        router.get("/opt-outs") { request, _ in
            try await answer { try await rules.optOuts(of: try request.required("participant")) }
        }
        router.post("/opt-outs") { request, _ in
            try await answer {
                let participant = try request.required("participant")
                try await rules.setOptOut(
                    of: participant, from: try request.required("number"), to: request.query["out"] == "true",
                    reason: try request.required("reason"))
                return try await rules.optOuts(of: participant)
            }
        }
    }

    private func addRecords(_ records: EngineRecords, to router: Router<BasicRequestContext>) {
        router.get("/events") { request, _ in try await stream { try records.eventPages(request.query) } }
        router.get("/runs") { request, _ in try await stream { try records.runPages(request.query) } }
        router.get("/trace") { request, _ in try await stream { try await records.tracePages(request.query) } }
    }

    private func addRuns(_ host: HostControl, to router: Router<BasicRequestContext>) {
        router.post("/runs/:id/:action") { request, context in
            try await answer {
                try await act(
                    context.parameters.require("action"), on: context.parameters.require("id"), request.query, host)
            }
        }
    }

    private func act(
        _ action: String, on id: String, _ query: [String: String], _ host: HostControl
    ) async throws -> RunRecord {
        switch action {
        case "retry": return try await host.retry(id, staysOnVersion: query["same_version"] == "true")
        case "restart": return try await host.restart(id, repeating: query["repeating"] == "true")
        case "cancel": return RunRecord(try await host.engine.cancel(id), isDryHost: host.engine.isDryRun)
        case "wake": return RunRecord(try await host.engine.wake(id), isDryHost: host.engine.isDryRun)
        case "resolve":
            guard let finding = Engine.Finding(word: query["finding"]) else {
                throw CommandError(ExitStatus.usage, "a finding is needed: sent, resend or not_sent")
            }
            return try await host.resolve(id, finding)
        default: throw CommandError(ExitStatus.usage, "there is no action \(action)")
        }
    }
}

extension Engine.Finding {
    fileprivate init?(word: String?) {
        switch word {
        // Nobody knows more of it than that it took place.
        case "sent": self = .sent(outcome: Data("{}".utf8))
        case "resend": self = .resend
        case "not_sent": self = .notSent
        default: return nil
        }
    }
}

extension Request {
    /// The query, with the last of those that have one name.
    var query: [String: String] {
        Dictionary(
            uri.queryParameters.map { (String($0.key), String($0.value)) }, uniquingKeysWith: { $1 })
    }

    fileprivate func required(_ name: String) throws -> String {
        guard let value = query[name], !value.isEmpty else {
            throw CommandError(ExitStatus.usage, "\(name) is missing")
        }
        return value
    }
}
