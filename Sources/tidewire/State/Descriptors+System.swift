import BoundedListener
import Glibc

/// How many files and sockets this process may have open.
enum Descriptors {
    /// Kept back from listeners: databases, packs, the admin socket, connections to the API.
    static let reserve = 256
    /// More than any listener here asks for; some systems allow a billion, and tables are made to fit.
    private static let enough: rlim_t = 65_536

    /// Raises the soft limit as far as the system lets it, which is often 1024 at first.
    ///
    /// - Returns: The limit in force.
    static func raiseLimit() -> Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        let wanted = min(limit.rlim_max, enough)
        if limit.rlim_cur < wanted {
            var raised = limit
            raised.rlim_cur = wanted
            if unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }
}

extension TidewireConfiguration {
    /// Raises the process's limit of open files, and lowers the limits of listeners to what fits below it, so that
    /// clients can't take the descriptors that the admin socket and the databases need.
    mutating func fitToDescriptors() {
        // Up to three listeners: webhooks, gateway, monitor.
        let share = (Descriptors.raiseLimit() - Descriptors.reserve) / 3
        listeners.connections = min(listeners.connections, max(share, 16))
    }
}
