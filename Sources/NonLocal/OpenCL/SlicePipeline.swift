import SwiftOpenCL

/// A batch in slices on a device that tensors are copied to: while one slice is worked on, the next is on its way in
/// and the last on its way out.
///
/// Slices take turns with two halves of the memory for x and z, and each waits for what used its half before.
struct SlicePipeline {
    private let run: BlockRun
    private let x: Tensor<Float>
    private let z: TensorStorage<Float>

    /// - Parameter z: where the result goes.
    init(_ run: BlockRun, _ x: Tensor<Float>, _ z: TensorStorage<Float>) {
        self.run = run
        self.x = x
        self.z = z
    }

    /// - Returns: what the kernels took.
    func output() throws -> [KernelLaunch] {
        let session = run.block.session
        let launcher = session.launcher(pace: run.pace)
        do {
            let downloaded = try enqueue(launcher, session)
            try launcher.finish { try downloaded?.wait() }
        } catch {
            // What is under way still uses memory that the next run takes.
            for queue in [session.uploads, session.queue, session.downloads] { try? queue.finish() }
            throw error
        }
        return launcher.launches
    }

    /// - Returns: the last command.
    private func enqueue(_ launcher: Launcher, _ session: OpenCLSession) throws -> Event? {
        let geometry = run.geometry
        let (input, output) = (
            try run.workspace.required(.input), try run.workspace.required(.output)
        )
        let (itemOfX, itemOfZ) = (geometry.channels * geometry.grid.count, geometry.channels * run.rows)
        let items = run.workspace.schedule.itemsPerSlice
        var (computed, downloaded): ([Event], [Event]) = ([], [])
        for (number, slice) in run.slices.enumerated() {
            let half = number % 2 * items
            func before(_ events: [Event]) -> [Event] { number < 2 ? [] : [events[number - 2]] }
            let source = UnsafeBufferPointer(x.storage.elements)[
                slice.lowerBound * itemOfX..<slice.upperBound * itemOfX]
            let uploaded = try session.uploads.write(
                UnsafeBufferPointer(rebasing: source), keeping: x.storage.memory,
                to: input, at: half * itemOfX, after: before(computed))
            try session.queue.barrier(after: [uploaded] + before(downloaded))
            func view(_ buffer: Buffer<Float>, _ positions: Int) -> View {
                View(buffer, channels: geometry.channels, positions: positions, layout: geometry.layout)
                    .advanced(byItems: half)
            }
            try run.compute(
                launcher, x: view(input, geometry.grid.count), to: view(output, run.rows), slice)
            guard let last = launcher.last else { continue }
            computed.append(last)
            let target = z.elements[slice.lowerBound * itemOfZ..<slice.upperBound * itemOfZ]
            downloaded.append(
                try session.downloads.read(
                    output, range: half * itemOfZ..<half * itemOfZ + target.count,
                    into: UnsafeMutableBufferPointer(rebasing: target), keeping: z.memory, after: [last]))
            try session.queue.flush()
        }
        return downloaded.last
    }
}
