import Glibc

/// Marks in mapped memory that the process ends by a signal that its own code caused.
///
/// A process that somebody else ends (`SIGKILL`, a power cut) leaves no such mark, so what ran at that instant is hardly
/// to blame.
enum FatalSignals {
    /// Those by which a fault of the code itself ends a process; traps of Swift are SIGILL or SIGTRAP.
    /// Source: signal(7), "Standard signals".
    private static let signals = [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGSYS]

    /// Has the number of a fatal signal written to `place`, which must stay mapped for as long as the process lives.
    ///
    /// What handled the signal before, a backtrace printer say, handles it after.
    static func mark(at place: UnsafeMutablePointer<Int64>) {
        let isFirst = unsafe marked == nil
        unsafe marked = place
        guard isFirst else { return }
        let old = UnsafeMutablePointer<sigaction>.allocate(capacity: signals.count)
        unsafe earlier = old
        for (index, signal) in signals.enumerated() {
            var action = sigaction()
            unsafe action.__sigaction_handler.sa_handler = handle
            // On the alternate stack where there is one: the signal may mean that the stack is full.
            action.sa_flags = Int32(SA_ONSTACK)
            unsafe sigemptyset(&action.sa_mask)
            unsafe sigaction(signal, &action, old + index)
        }
    }

    /// Called in the signal's context: it writes a word, and gives the signal back to whoever had it before, which the
    /// fault reaches as it happens again on return.
    private static let handle: @convention(c) (Int32) -> Void = { signal in
        unsafe marked?.pointee = Int64(signal)
        guard let old = unsafe earlier else { return }
        // Without an iterator, which might allocate.
        var index = 0
        while index < 7 {
            let number =
                index == 0
                ? SIGILL
                : index == 1
                    ? SIGTRAP
                    : index == 2
                        ? SIGSEGV
                        : index == 3
                            ? SIGBUS
                            : index == 4 ? SIGFPE : index == 5 ? SIGABRT : SIGSYS
            if number == signal { unsafe sigaction(signal, old + index, nil) }
            index += 1
        }
        raise(signal)
    }
}

// Written once before any signal can come, and read by the handler.
private nonisolated(unsafe) var marked: UnsafeMutablePointer<Int64>?
// Likewise: written once before any signal can come.
private nonisolated(unsafe) var earlier: UnsafeMutablePointer<sigaction>?
