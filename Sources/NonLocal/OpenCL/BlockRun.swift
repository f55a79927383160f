import SwiftOpenCL

/// One run of a block over a batch, slice after slice.
struct BlockRun {
    let block: BlockExecutor
    let workspace: Workspace
    let queries: ChosenQueries?

    private var geometry: Geometry { block.geometry }
    private var rows: Int { queries?.count ?? geometry.grid.count }
    private var exchange: HostExchange { HostExchange(session: block.session) }

    /// z for every position, in x's shape, or for the chosen ones, `[B, C, n]`.
    ///
    /// - Returns: also the seconds that the kernels took on the device.
    func output(_ x: Tensor<Float>) throws -> (z: Tensor<Float>, deviceSeconds: Double) {
        let channels = geometry.channels
        let shape =
            queries == nil
            ? x.shape
            : geometry.layout == .channelsFirst
                ? [geometry.batch, channels, rows] : [geometry.batch, rows, channels]
        let storage = try TensorStorage<Float>(count: geometry.batch * channels * rows)
        let seconds = try forEachSlice(x) { launcher, x, items in
            let range = items.lowerBound * channels * rows..<items.upperBound * channels * rows
            let target = try exchange.target(storage, range, staging: workspace[.output])
            let z = View(target, channels: channels, positions: rows, layout: geometry.layout)
            try block.compute(launcher, x: x, to: z, items: items.count, queries: queries, workspace)
            let seconds = try launcher.finish()
            try exchange.download(target, to: storage, range, staging: workspace[.output])
            return seconds
        }
        let z = Tensor(shape: shape, storage: storage)
        return (try queries.map { try inCallersOrder(z, $0) } ?? z, seconds)
    }

    /// f / C(x) of every position, or of the chosen ones: `[B, n, M]`.
    func attention(_ x: Tensor<Float>) throws -> Tensor<Float> {
        let keys = geometry.keys.count
        return try Tensor(shape: [geometry.batch, rows, keys]) { map in
            _ = try forEachSlice(x) { launcher, x, items in
                let operands = try block.prepare(
                    launcher, x: x, items: items.count, queries: queries, workspace)
                let affinities = try workspace.required(.affinity)
                try block.operate(
                    launcher, operands, items: items.count, queries: queries, workspace
                ) { part, place in
                    let values = try block.session.queue.read(affinities, range: 0..<part.count)
                    for group in 0..<part.groups {
                        for row in 0..<part.rows {
                            let at = place(part.firstGroup + group, part.firstRow + row)
                            let target = ((items.lowerBound + at.item) * rows + at.row) * keys
                            for key in 0..<keys {
                                map[target + key] = values[(group * keys + key) * part.rows + row]
                            }
                        }
                    }
                }
                return try launcher.finish()
            }
        }
    }

    /// Calls `body` with x on the device for each slice of the batch, and adds up the seconds it returns.
    private func forEachSlice(
        _ x: Tensor<Float>, _ body: (Launcher, View, Range<Int>) throws -> Double
    ) throws -> Double {
        let (channels, positions) = (geometry.channels, geometry.grid.count)
        var seconds = 0.0
        for first in stride(from: 0, to: geometry.batch, by: workspace.schedule.itemsPerSlice) {
            let items = first..<min(first + workspace.schedule.itemsPerSlice, geometry.batch)
            let range = items.lowerBound * channels * positions..<items.upperBound * channels * positions
            let input = try exchange.upload(x, range, staging: workspace[.input])
            let view = View(input, channels: channels, positions: positions, layout: geometry.layout)
            seconds += try body(Launcher(block.session.queue), view, items)
        }
        return seconds
    }

    /// z of sorted queries, put back into the order in which the caller named them.
    private func inCallersOrder(_ z: Tensor<Float>, _ queries: ChosenQueries) throws -> Tensor<Float> {
        let channels = geometry.channels
        let (rowStride, channelStride) = geometry.layout == .channelsFirst ? (1, rows) : (channels, 1)
        return try Tensor(shape: z.shape) { target in
            z.withUnsafeBufferPointer { source in
                for item in 0..<geometry.batch {
                    for (sorted, place) in queries.order.enumerated() {
                        for channel in 0..<channels {
                            let base = item * channels * rows + channel * channelStride
                            target[base + place * rowStride] = source[base + sorted * rowStride]
                        }
                    }
                }
            }
        }
    }
}
