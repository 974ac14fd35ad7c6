#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Whether a file descriptor is a terminal.
func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

/// Lets a write to a closed connection or pipe fail with an error instead of ending the process.
func ignoreBrokenPipes() { _ = signal(SIGPIPE, SIG_IGN) }
