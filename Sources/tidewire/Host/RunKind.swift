import DurableExecution

/// What is said of runs whose kind is not the host's.
enum RunKind {
    /// Why a run goes on under another host only, and what to do about it; nil if it is of the host's kind, or is over.
    static func reason(of invocation: Invocation, isDryHost: Bool?) -> String? {
        guard let isDryHost, !invocation.state.isEnded, invocation.isDry != isDryHost else { return nil }
        return reason(isDry: invocation.isDry)
    }

    static func reason(isDry: Bool) -> String {
        let hold = Invocation.holdOfOtherKind(isDry: isDry).reason
        return "\(hold): restart the host \(isDry ? "with" : "without") --dry-run to continue it, or end it with "
            + "`tidewire runs cancel`"
    }

    /// The reason of a hold, with what to do where the kind is the reason.
    static func explained(_ hold: Hold) -> String {
        let isDry = [true, false].first { Invocation.holdOfOtherKind(isDry: $0).key == hold.key }
        return isDry.map { reason(isDry: $0) } ?? hold.reason
    }

    /// Why runs under way don't go on, if there are any of the other kind.
    static func summary(others: Int, isDryHost: Bool) -> String? {
        guard others > 0 else { return nil }
        let kind = isDryHost ? "live" : "dry"
        let runs = others == 1 ? "1 \(kind) run is" : "\(others) \(kind) runs are"
        return "\(runs) held, since this host runs \(isDryHost ? "dry" : "live"): `tidewire runs` lists them"
    }
}
