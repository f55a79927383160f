import Foundation

/// What Ctrl-C does: it ends the process with status 130, but lets work that is under way stop by itself and a file
/// that is being written be finished.
enum Interruption {
    private static let lock = NSLock()
    private nonisolated(unsafe) static var stop: (() -> Void)?
    private nonisolated(unsafe) static var writes = 0
    private nonisolated(unsafe) static var isWanted = false
    private nonisolated(unsafe) static var source: (any DispatchSourceSignal)?

    /// Begins to listen.
    static func listen() {
        // Whoever starts this from a thread that blocks signals, as Dispatch's do, hands that on.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        signal(SIGINT, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global(qos: .userInteractive))
        source.setEventHandler(handler: interrupt)
        source.resume()
        self.source = source
    }

    /// Calls `body`, and `stop` if the user interrupts it; a second time ends the process at once.
    static func stopping<Value>(_ stop: @escaping @Sendable () -> Void, _ body: () -> Value) -> Value {
        lock.withLock { self.stop = stop }
        defer { lock.withLock { self.stop = nil } }
        return body()
    }

    /// Calls `body`, which writes files; the process does not end before it is done.
    static func writing<Value>(_ body: () throws -> Value) rethrows -> Value {
        lock.withLock { writes += 1 }
        defer {
            let ends = lock.withLock {
                writes -= 1
                return isWanted && writes == 0
            }
            if ends { _exit(ExitStatus.interrupted) }
        }
        return try body()
    }

    @Sendable private static func interrupt() {
        let stop = lock.withLock { () -> (() -> Void)? in
            let isFirst = !isWanted
            isWanted = true
            if writes > 0 { return {} }
            return isFirst ? self.stop : nil
        }
        guard let stop else { _exit(ExitStatus.interrupted) }
        stop()
    }
}
