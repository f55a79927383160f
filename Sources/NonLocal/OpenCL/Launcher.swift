import SwiftOpenCL

/// Enqueues kernels, those with much work in slices where a pace asks for it, and adds up what they take.
///
/// Not `Sendable`: each run has its own.
final class Launcher {
    let queue: Queue
    /// What has been waited for, in the order it ran in.
    private(set) var launches: [KernelLaunch] = []
    private var pending: [Pending] = []
    private let pace: Pace?
    /// Work-groups that a launch may have along its second and third dimension.
    let mostWorkGroups: Int
    private let observer: Observer?

    /// Called after each launch with the kernel's name and arguments, for tests.
    typealias Observer = @Sendable (Queue, String, [any KernelArgument]) throws -> Void

    private struct Pending {
        let kernel: String
        let event: Event
        let operations: Double
    }

    /// - Parameters:
    ///   - pace: how long a launch may take, and who follows the run; no bound and nobody without.
    ///   - mostWorkGroups: that a launch may have along its second and third dimension; the device's own without.
    init(_ queue: Queue, pace: Pace? = nil, mostWorkGroups: Int? = nil, observer: Observer? = nil) {
        self.observer = observer
        self.queue = queue
        self.pace = pace
        self.mostWorkGroups = mostWorkGroups ?? queue.context.device.mostWorkGroups
    }

    /// The last command that was enqueued and not waited for.
    var last: Event? { pending.last?.event }

    /// Enqueues a kernel over (positions, rounded up to whole work-groups; `rows`; `items`).
    func launch(
        _ kernel: Kernel, _ arguments: [any KernelArgument], positions: Int, rows: Int = 1, items: Int = 1,
        operations: Double = 0
    ) throws {
        let size = min(64, queue.context.device.maxWorkGroupSize)
        let rounded = (positions + size - 1) / size * size
        try launch(
            kernel, arguments, global: [rounded, rows, items], local: [size, 1, 1], operations: operations)
    }

    /// Enqueues a kernel over a range of its own; in several launches where the device takes no more work-groups at
    /// once. So kernels have to ask for their global id where there may be many, and not for that of their group or
    /// for how many there are.
    func launch(
        _ kernel: Kernel, _ arguments: [any KernelArgument], global: [Int], local: [Int],
        operations: Double = 0
    ) throws {
        let parts = LaunchRange(global: global).parts(local: local, mostWorkGroups: mostWorkGroups)
        for part in parts {
            let event = try queue.enqueue(
                kernel, arguments: arguments, global: part.global, local: local, offset: part.offset)
            let share = Double(part.count) / Double(parts.reduce(0) { $0 + $1.count })
            pending.append(Pending(kernel: kernel.name, event: event, operations: operations * share))
            if operations > 0 { try keepPace() }
        }
        try observer?(queue, kernel.name, arguments)
    }

    /// Enqueues a kernel whose work is in numbered blocks, a range of which is its last argument, in as many
    /// launches as the pace asks for.
    ///
    /// - Parameters:
    ///   - blocks: how many there are.
    ///   - workers: work-items, each of which does a part of the range.
    ///   - operations: of all blocks.
    func launch(
        _ kernel: Kernel, _ arguments: [any KernelArgument], blocks: Int, workers: Int, operations: Double
    ) throws {
        var first = 0
        while first < blocks {
            let most = pace?.units(of: kernel.name, operationsOfEach: operations / Double(blocks)) ?? blocks
            // As many for each worker, as far as that goes.
            let count = min(max(most / workers, 1) * workers, blocks - first)
            try launch(
                kernel, arguments + [SIMD2(Int64(first), Int64(first + count))],
                global: [min(workers, count)], local: [1],
                operations: operations * Double(count) / Double(blocks))
            first += count
        }
    }

    /// Does `count` units of a kernel's work in as many launches as the pace asks for.
    ///
    /// - Parameters:
    ///   - most: units that a launch may have.
    ///   - operations: of all units.
    ///   - launch: enqueues a range of the units, with its operations.
    func inSlices(
        of kernel: Kernel, count: Int, most: Int = .max, operations: Double,
        _ launch: (Range<Int>, Double) throws -> Void
    ) throws {
        var first = 0
        while first < count {
            let each = operations / Double(count)
            let units = min(pace?.units(of: kernel.name, operationsOfEach: each) ?? count, most)
            let range = first..<min(first + min(max(units, 1), count), count)
            try launch(range, each * Double(range.count))
            first = range.upperBound
        }
    }

    /// Waits until no more than one launch with work to speak of is ahead of the device, and lets the run be
    /// followed and stopped.
    private func keepPace() throws {
        guard let pace else { return }
        while pending.lazy.filter({ $0.operations > 0 }).count > 1 { try waitForFirst() }
        do {
            try pace.check()
        } catch {
            // What is under way still uses the run's buffers.
            try finish()
            throw error
        }
    }

    private func waitForFirst() throws {
        let first = pending.removeFirst()
        try first.event.wait()
        try take(first)
    }

    private func take(_ done: Pending) throws {
        if try done.event.status != .complete { try done.event.wait() }
        let seconds = try done.event.duration
        launches.append(KernelLaunch(kernel: done.kernel, seconds: seconds))
        if done.operations > 0 { pace?.took(done.kernel, operations: done.operations, seconds: seconds) }
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
        let before = launches.count
        defer { pending.removeAll(keepingCapacity: true) }
        let waited = Result { try wait?() ?? pending.last?.event.wait() ?? queue.finish() }
        // What failed may have done so before the kernels were done.
        if case .failure = waited { try queue.finish() }
        for done in pending { try take(done) }
        try waited.get()
        return launches[before...].reduce(0) { $0 + $1.seconds }
    }
}
