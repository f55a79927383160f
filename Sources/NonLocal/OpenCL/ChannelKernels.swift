import SwiftOpenCL

/// Launches `projection.cl`: `y = weight · x + bias` at every position, optionally plus a residual.
struct ProjectionKernel: Sendable {
    private let plain: Kernel
    private let withResidual: Kernel

    init(_ library: KernelLibrary) throws {
        plain = try library.kernel("projection")
        withResidual = try library.kernel("projection_residual")
    }

    func launch(
        _ launcher: Launcher, _ map: DeviceLinear, from x: View, residual: View? = nil, to y: View,
        positions: Int, items: Int
    ) throws {
        var arguments: [any KernelArgument] = [map.weight, map.bias, x.buffer, x.argument]
        if let residual { arguments += [residual.buffer, residual.argument] }
        arguments += [
            y.buffer, y.argument, Int32(map.inputs), Int32(map.outputs), Int32(positions),
        ]
        try launcher.launch(
            residual == nil ? plain : withResidual, arguments, positions: positions,
            rows: rowBlocks(map.outputs), items: items,
            operations: Cost.product(map.outputs, map.inputs, positions, batch: items).operations)
    }
}

/// Launches `max_pool.cl`.
struct MaxPoolKernel: Sendable {
    private let kernel: Kernel

    init(_ library: KernelLibrary) throws {
        kernel = try library.kernel("max_pool")
    }

    func launch(
        _ launcher: Launcher, from x: View, grid: Grid, window: Geometry.Window, to y: View, pooled: Int,
        channels: Int, items: Int
    ) throws {
        let (extents, sizes) = window.extents(of: grid)
        try launcher.launch(
            kernel,
            [
                x.buffer, x.argument, y.buffer, y.argument, int4(extents), int4(sizes), Int32(pooled),
            ], positions: pooled, rows: channels, items: items)
    }
}

/// Three extents as the kernels' `int4`.
func int4(_ values: [Int]) -> SIMD4<Int32> {
    SIMD4(Int32(values[0]), Int32(values[1]), Int32(values[2]), 0)
}

extension Geometry.Window {
    /// What is pooled over and by how much: flat pooling is that of a single line.
    func extents(of grid: Grid) -> (grid: [Int], window: [Int]) {
        switch self {
        case .grid(let t, let h, let w): (grid.extents, [t, h, w])
        case .flat(let size): ([1, 1, grid.count], [1, 1, size])
        }
    }
}

/// Launches `group_norm.cl`: statistics of each group, then the norm itself.
struct GroupNormKernels: Sendable {
    private let statistics: Kernel
    private let apply: Kernel
    private let groups: Int
    private let channels: Int
    private let epsilon: Float
    private let scale: Buffer<Float>
    private let shift: Buffer<Float>

    init(_ library: KernelLibrary, _ norm: BlockWeights.GroupNorm, channels: Int) throws {
        statistics = try library.kernel("group_norm_statistics")
        apply = try library.kernel("group_norm_apply")
        groups = norm.groups
        self.channels = channels
        epsilon = Float(norm.epsilon)
        scale = try Buffer(library.context, copying: norm.scale.elements, access: .readOnly)
        shift = try Buffer(library.context, copying: norm.shift.elements, access: .readOnly)
    }

    /// - Parameter moments: room for two numbers a group and item.
    func launch(
        _ launcher: Launcher, from x: View, moments: Buffer<Float>, to y: View, positions: Int, items: Int
    ) throws {
        let channelsPerGroup = channels / groups
        let device = launcher.queue.context.device
        // A power of two, which the sum over the work-group relies on.
        let size = min(
            device.type == .cpu ? 64 : 256,
            1 << (Int.bitWidth - 1 - device.maxWorkGroupSize.leadingZeroBitCount))
        try launcher.launch(
            statistics,
            [
                x.buffer, x.argument, moments, LocalMemory(bytes: size * MemoryLayout<Float>.stride),
                Int32(groups), Int32(channelsPerGroup), Int32(positions), epsilon,
            ], global: [size, groups, items], local: [size, 1, 1])
        try launcher.launch(
            apply,
            [
                x.buffer, x.argument, moments, scale, shift, y.buffer, y.argument, Int32(channelsPerGroup),
                Int32(channels), Int32(positions),
            ], global: [size, channels, items], local: [size, 1, 1])
    }
}

/// Launches `gather.cl`: chosen positions of a tensor, and the way back.
struct GatherKernel: Sendable {
    private let kernel: Kernel
    private let back: Kernel

    init(_ library: KernelLibrary) throws {
        kernel = try library.kernel("gather")
        back = try library.kernel("scatter")
    }

    func launch(
        _ launcher: Launcher, from x: View, index: Buffer<Int32>, to y: View, channels: Int, items: Int
    ) throws {
        try launcher.launch(
            kernel, [x.buffer, x.argument, index, Int32(0), y.buffer, y.argument, Int32(index.count)],
            positions: index.count, rows: channels, items: items)
    }

    /// The same with an index for each item, `[items][count]` as `int`.
    func launch(
        _ launcher: Launcher, from x: View, index: Buffer<Float>, count: Int, to y: View, channels: Int,
        items: Int
    ) throws {
        try launcher.launch(
            kernel, [x.buffer, x.argument, index, Int32(count), y.buffer, y.argument, Int32(count)],
            positions: count, rows: channels, items: items)
    }

    /// Puts the k-th position of x where an item's index says.
    func launchBack(
        _ launcher: Launcher, from x: View, index: Buffer<Float>, count: Int, to y: View, channels: Int,
        items: Int
    ) throws {
        try launcher.launch(
            back, [x.buffer, x.argument, index, Int32(count), y.buffer, y.argument, Int32(count)],
            positions: count, rows: channels, items: items)
    }
}

/// Work-items for `rows` output rows, each of which computes `ROWS` of them (`view.cl`).
func rowBlocks(_ rows: Int) -> Int { (rows + 7) / 8 }
