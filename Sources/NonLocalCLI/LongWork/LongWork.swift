import Foundation
import NonLocal

/// Work that may take long: the user sees how far it is, and stops it with Ctrl-C.
enum LongWork {
    /// Waits for the work, showing its progress from the first second on.
    ///
    /// - Parameters:
    ///   - isQuiet: shows nothing.
    ///   - work: gets what it has to call as it goes on.
    /// - Throws: what the work throws; ``Failure`` with status 130 if the user stopped it.
    static func run<Value: Sendable>(
        isQuiet: Bool,
        _ work:
            @escaping @Sendable (_ progress: @escaping @Sendable (RunProgress) -> Void) async throws -> Value
    ) throws -> Value {
        let display = ProgressDisplay(isQuiet: isQuiet)
        let outcome = Outcome<Value>()
        let task = Task.detached {
            do {
                outcome.set(.success(try await work { display.show($0) }))
            } catch {
                outcome.set(.failure(error))
            }
        }
        let result = Interruption.stopping(task.cancel) { outcome.wait() }
        display.clear()
        do {
            return try result.get()
        } catch is CancellationError {
            throw Failure("interrupted", status: ExitStatus.interrupted)
        }
    }

    /// A result that another thread waits for.
    private final class Outcome<Value: Sendable>: Sendable {
        private let condition = NSCondition()
        private nonisolated(unsafe) var result: Result<Value, any Error>?

        func set(_ result: Result<Value, any Error>) {
            condition.withLock {
                self.result = result
                condition.signal()
            }
        }

        func wait() -> Result<Value, any Error> {
            condition.lock()
            defer { condition.unlock() }
            while true {
                if let result { return result }
                condition.wait()
            }
        }
    }
}
