import SwiftOpenCL

/// Enqueues kernels with positions along the first dimension, and adds up what they take.
///
/// Not `Sendable`: each run has its own.
final class Launcher {
    let queue: Queue
    /// What has been waited for, in the order it ran in.
    private(set) var launches: [KernelLaunch] = []
    private var pending: [(kernel: String, event: Event)] = []

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
        let event = try queue.enqueue(kernel, arguments: arguments, global: global, local: local)
        pending.append((kernel.name, event))
    }

    /// Waits for all that was enqueued.
    ///
    /// - Parameter wait: a blocking command in the queue, which does the waiting: with two waits a small call
    ///   would take half as long again. Without one the last kernel is waited for; drivers are quicker at
    ///   that than at finishing the queue.
    /// - Throws: the status of the first kernel that ended abnormally, else what `wait` throws.
    /// - Returns: the seconds that the kernels took on the device.
    @discardableResult
    func finish(with wait: (() throws -> Void)? = nil) throws -> Double {
        defer { pending.removeAll(keepingCapacity: true) }
        let waited = Result { try wait?() ?? pending.last?.event.wait() ?? queue.finish() }
        // What failed may have done so before the kernels were done.
        if case .failure = waited { try queue.finish() }
        var seconds = 0.0
        for (kernel, event) in pending {
            if try event.status != .complete { try event.wait() }
            let duration = try event.duration
            seconds += duration
            launches.append(KernelLaunch(kernel: kernel, seconds: duration))
        }
        try waited.get()
        return seconds
    }
}
