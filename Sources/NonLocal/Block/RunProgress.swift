import Foundation

/// How far a run is.
public struct RunProgress: Sendable, Hashable {
    /// Operations that are done, a multiply-add counting two.
    public let operations: Double
    /// Operations of the whole run.
    public let operationsInAll: Double
    /// Seconds since it began.
    public let seconds: Double

    /// The share of the operations that are done, from 0 to 1.
    public var fraction: Double {
        operationsInAll > 0 ? min(operations / operationsInAll, 1) : 1
    }

    /// Seconds that remain if it goes on as it did; none before anything is done.
    public var secondsLeft: Double? { fraction > 0 ? seconds * (1 / fraction - 1) : nil }
}

/// Follows a run for somebody, and stops it when a task is cancelled.
final class RunMonitor: Sendable {
    private let report: @Sendable (RunProgress) -> Void
    private let operationsInAll: Double
    private let start = ContinuousClock.now
    private let lock = NSLock()
    private nonisolated(unsafe) var operations = 0.0
    private let cancellation: Cancellation

    init(
        operationsInAll: Double, _ cancellation: Cancellation,
        report: @escaping @Sendable (RunProgress) -> Void
    ) {
        self.operationsInAll = operationsInAll
        self.cancellation = cancellation
        self.report = report
    }

    /// Tells of some more operations that are done.
    func advance(by more: Double) {
        let done = lock.withLock {
            operations += more
            return operations
        }
        report(
            RunProgress(
                operations: done, operationsInAll: operationsInAll,
                seconds: (ContinuousClock.now - start) / .seconds(1)))
    }

    /// - Throws: `CancellationError` once the task is cancelled.
    func check() throws {
        if cancellation.isCancelled { throw CancellationError() }
    }
}

/// Whether a task was cancelled, for work on a thread of its own.
final class Cancellation: Sendable {
    private let lock = NSLock()
    private nonisolated(unsafe) var cancelled = false

    var isCancelled: Bool { lock.withLock { cancelled } }
    func cancel() { lock.withLock { cancelled = true } }
}

/// Does blocking work on a thread of its own, apart from those that tasks share.
///
/// - Parameter body: gets to know of the task's cancellation.
func onThread<Value: Sendable>(
    _ body: @escaping @Sendable (Cancellation) throws -> Value
) async throws -> Value {
    let cancellation = Cancellation()
    return try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try body(cancellation) })
            }
        }
    } onCancel: {
        cancellation.cancel()
    }
}
