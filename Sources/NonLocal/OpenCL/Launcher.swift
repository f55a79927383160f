import SwiftOpenCL

/// Enqueues kernels with positions along the first dimension, and adds up what they take.
///
/// Not `Sendable`: each run has its own.
final class Launcher {
    let queue: Queue
    private var events: [Event] = []

    init(_ queue: Queue) { self.queue = queue }

    /// Enqueues a kernel over (positions, rounded up to whole work-groups; `rows`; `items`).
    func launch(
        _ kernel: Kernel, _ arguments: [any KernelArgument], positions: Int, rows: Int = 1, items: Int = 1
    ) throws {
        let size = min(64, queue.context.device.maxWorkGroupSize)
        let rounded = (positions + size - 1) / size * size
        try launch(kernel, arguments, global: [rounded, rows, items], local: [size, 1, 1])
    }

    /// Enqueues a kernel over a range of its own.
    func launch(_ kernel: Kernel, _ arguments: [any KernelArgument], global: [Int], local: [Int]) throws {
        events.append(try queue.enqueue(kernel, arguments: arguments, global: global, local: local))
    }

    /// Waits for all that was enqueued.
    ///
    /// - Throws: the status of the first kernel that ended abnormally.
    /// - Returns: the seconds that the kernels took on the device.
    @discardableResult
    func finish() throws -> Double {
        defer { events.removeAll() }
        try queue.finish()
        var seconds = 0.0
        for event in events {
            try event.wait()
            seconds += try event.profile.duration
        }
        return seconds
    }
}
