import NonLocalKernels
import SwiftOpenCL

/// The concatenation form without its pairs: a and b sorted, then one walk along both.
struct SortedAttention: Sendable {
    private let sort: SortKernel
    private let aggregate: SortedAggregateKernel
    private let transpose: PanelTransposeKernel
    private let tile: PanelTile

    /// - Parameter groups: about how many a launch has.
    init(_ library: KernelLibrary, _ tile: PanelTile, valueChannels: Int, groups: Int) throws {
        let slab = tile.slab(valueChannels: valueChannels, groups: groups)
        sort = try SortKernel(library, tile, slab: slab)
        aggregate = try SortedAggregateKernel(library, tile, slab: slab)
        transpose = try PanelTransposeKernel(library, tile, slab: slab)
        self.tile = tile
    }

    /// - Parameters:
    ///   - sorted: room for a and b of all groups, as ``PanelTile/sortedElements(keys:rows:)`` says.
    ///   - scratch: as much again.
    ///   - transposedG: room for g with its channels side by side, where it lies otherwise.
    ///   - transposedY: the same for y.
    func run(
        _ launcher: Launcher, _ operands: AttentionOperands, sorted: Buffer<Float>, scratch: Buffer<Float>,
        transposedG: Buffer<Float>?, transposedY: Buffer<Float>?
    ) throws {
        let stride = tile.positionStride(channels: operands.valueChannels)
        func transposed(_ buffer: Buffer<Float>, _ positions: Int) -> View {
            View(buffer, channels: stride, positions: positions, layout: .channelsLast)
        }
        var (g, y) = (operands.g, operands.y)
        if let transposedG {
            g = transposed(transposedG, operands.keys)
            try transpose.launch(
                launcher, from: operands.g, to: g, channels: operands.valueChannels, positions: operands.keys,
                groups: operands.groups)
        }
        if let transposedY { y = transposed(transposedY, operands.rows) }
        try sort.launch(
            launcher, phi: operands.phi, theta: operands.theta, to: sorted, scratch: scratch,
            keys: operands.keys, rows: operands.rows, groups: operands.groups)
        try aggregate.launch(
            launcher, sorted: sorted, g: g, to: y, valueChannels: operands.valueChannels, keys: operands.keys,
            rows: operands.rows, groups: operands.groups)
        guard transposedY != nil else { return }
        try transpose.launch(
            launcher, from: y, to: operands.y, channels: operands.valueChannels, positions: operands.rows,
            groups: operands.groups)
    }
}

/// Launches `sort.cl`: b and a of each group in the order in which they are walked.
struct SortKernel: Sendable {
    private let kernel: Kernel

    init(_ library: KernelLibrary, _ tile: PanelTile, slab: Int) throws {
        kernel = try library.kernel(sorted: "sort", tile, slab: slab)
    }

    func launch(
        _ launcher: Launcher, phi: View, theta: View, to sorted: Buffer<Float>, scratch: Buffer<Float>,
        keys: Int, rows: Int, groups: Int
    ) throws {
        try launcher.launch(
            kernel,
            [
                phi.buffer, phi.argument, theta.buffer, theta.argument, sorted, scratch, Int32(keys),
                Int32(rows),
            ], global: [groups, 2], local: [1, 1])
    }
}

/// Launches `sorted_aggregate.cl`.
struct SortedAggregateKernel: Sendable {
    private let kernel: Kernel
    /// Channels of a work-item.
    private let channels: Int

    init(_ library: KernelLibrary, _ tile: PanelTile, slab: Int) throws {
        kernel = try library.kernel(sorted: "sorted_aggregate", tile, slab: slab)
        channels = slab * tile.lanes
    }

    func launch(
        _ launcher: Launcher, sorted: Buffer<Float>, g: View, to y: View, valueChannels: Int, keys: Int,
        rows: Int, groups: Int
    ) throws {
        try launcher.launch(
            kernel,
            [
                sorted, g.buffer, g.argument, y.buffer, y.argument, Int32(valueChannels), Int32(keys),
                Int32(rows),
            ], global: [(valueChannels + channels - 1) / channels, groups], local: [1, 1])
    }
}

/// Launches `panel_transpose.cl`: the same tensor in another layout.
struct PanelTransposeKernel: Sendable {
    /// Positions that one work-item takes (`TILE`).
    private static let positions = 16

    private let kernel: Kernel

    init(_ library: KernelLibrary, _ tile: PanelTile, slab: Int) throws {
        kernel = try library.kernel(sorted: "panel_transpose", tile, slab: slab)
    }

    func launch(
        _ launcher: Launcher, from x: View, to y: View, channels: Int, positions: Int, groups: Int
    ) throws {
        try launcher.launch(
            kernel, [x.buffer, x.argument, y.buffer, y.argument, Int32(channels), Int32(positions)],
            global: [(positions + Self.positions - 1) / Self.positions, groups], local: [1, 1])
    }
}

extension KernelLibrary {
    fileprivate func kernel(sorted name: String, _ tile: PanelTile, slab: Int) throws -> Kernel {
        try kernel(
            name, of: KernelSource.sorted,
            defining: tile.macros.merging(["SLAB": "\(slab)"]) { one, _ in one })
    }
}
