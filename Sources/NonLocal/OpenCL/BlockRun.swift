import SwiftOpenCL

/// One run of a block over a batch, slice after slice.
struct BlockRun {
    let block: BlockExecutor
    let workspace: Workspace
    let queries: ChosenQueries?
    /// Where memory for results comes from.
    let pool: MemoryPool
    /// Launches' bound and who follows them.
    let pace: Pace?
    /// Takes φ and g of some items, if they are pooled behind their projections.
    let copies: PooledKeyCopies?
    /// Takes the sums, if the block takes any.
    let sums: SumCopies?

    var geometry: Geometry { block.geometry }
    var rows: Int { queries?.count ?? geometry.grid.count }
    private var exchange: HostExchange { HostExchange(session: block.session) }

    /// z for every position, in x's shape, or for the chosen ones, `[B, C, n]`.
    ///
    /// - Parameter memory: to write to, if there is some of the right size already.
    /// - Returns: also what it took of the device.
    func output(_ x: Tensor<Float>, into memory: TensorStorage<Float>? = nil) throws
        -> (z: Tensor<Float>, work: DeviceWork)
    {
        let channels = geometry.channels
        let shape =
            queries == nil
            ? x.shape
            : geometry.layout == .channelsFirst
                ? [geometry.batch, channels, rows] : [geometry.batch, rows, channels]
        let storage = try memory ?? TensorStorage(count: geometry.batch * channels * rows, pool: pool)
        try workspace.forgetMisfits(block.session.queue)
        var work =
            !block.session.sharesHostMemory && slices.count > 1 && workspace[.computedBlocks] == nil
            ? DeviceWork(launches: try SlicePipeline(self, x, storage).output(), computedShare: nil)
            : try inTurn(x, storage)
        try judge(&work)
        let z = Tensor(shape: shape, storage: storage)
        return (try queries.map { try inCallersOrder(z, $0) } ?? z, work)
    }

    /// Takes down how a run was computed, what its operands were kept in, and whether they fitted.
    private func judge(_ work: inout DeviceWork) throws {
        work.method = block.method
        work.precision = block.precision == .mixed ? .float16 : block.precision
        work.fits = try block.fitsWeights && !workspace.hasMisfits(block.session.queue)
    }

    /// z of one slice after the other.
    private func inTurn(_ x: Tensor<Float>, _ storage: TensorStorage<Float>) throws -> DeviceWork {
        let channels = geometry.channels
        var blocks = ComputedBlocks()
        let launches = try forEachSlice(x) { launcher, x, items in
            let range = items.lowerBound * channels * rows..<items.upperBound * channels * rows
            let target = try exchange.target(storage, range, staging: workspace[.output])
            let z = View(target, channels: channels, positions: rows, layout: geometry.layout)
            try compute(launcher, x: x, to: z, items)
            try launcher.finish {
                try exchange.download(target, to: storage, range, staging: workspace[.output])
            }
            try blocks.add(
                workspace, block.session.queue, groups: items.count * geometry.queries.groups,
                rows: geometry.queries.count, keys: geometry.keys.count)
        }
        return DeviceWork(launches: launches, computedShare: blocks.share)
    }

    /// z of every position, from one tensor in the device's memory to another.
    func output(_ x: Buffer<Float>, to z: Buffer<Float>) throws -> DeviceWork {
        let launcher = block.session.launcher(pace: pace)
        var blocks = ComputedBlocks()
        try workspace.forgetMisfits(block.session.queue)
        for items in slices {
            func part(_ buffer: Buffer<Float>) -> View {
                View(
                    buffer, channels: geometry.channels, positions: geometry.grid.count,
                    layout: geometry.layout
                ).advanced(byItems: items.lowerBound)
            }
            try compute(launcher, x: part(x), to: part(z), items)
            try launcher.finish()
            try blocks.add(
                workspace, block.session.queue, groups: items.count * geometry.queries.groups,
                rows: geometry.queries.count, keys: geometry.keys.count)
        }
        var work = DeviceWork(launches: launcher.launches, computedShare: blocks.share)
        try judge(&work)
        return work
    }

    /// z of a slice, in device memory.
    func compute(_ launcher: Launcher, x: View, to z: View, _ items: Range<Int>) throws {
        let (width, values) = (block.problem.width, block.problem.configuration.valueChannels)
        try block.compute(
            launcher, x: x, to: z, items: items.count, queries: queries, workspace,
            pooledKeys: copies.map { copies in
                {
                    try copies.take(
                        phi: $0, width: width, g: $1, valueChannels: values, tile: block.method.tile,
                        of: items,
                        from: launcher.queue)
                }
            })
        guard let sums = block.sums else { return }
        try self.sums?.take(sums, workspace, of: items, from: launcher.queue)
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
                try launcher.finish()
            }
        }
    }

    /// Calls `body` with x on the device for each slice of the batch.
    ///
    /// - Returns: what the kernels took.
    private func forEachSlice(
        _ x: Tensor<Float>, _ body: (Launcher, View, Range<Int>) throws -> Void
    ) throws -> [KernelLaunch] {
        let (channels, positions) = (geometry.channels, geometry.grid.count)
        let launcher = block.session.launcher(pace: pace)
        for items in slices {
            let range = items.lowerBound * channels * positions..<items.upperBound * channels * positions
            let input = try exchange.upload(x, range, staging: workspace[.input])
            let view = View(input, channels: channels, positions: positions, layout: geometry.layout)
            try body(launcher, view, items)
        }
        return launcher.launches
    }

    /// The items that are worked on together, one slice of the batch after the other.
    var slices: [Range<Int>] {
        let size = workspace.schedule.itemsPerSlice
        return stride(from: 0, to: geometry.batch, by: size).map { $0..<min($0 + size, geometry.batch) }
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
