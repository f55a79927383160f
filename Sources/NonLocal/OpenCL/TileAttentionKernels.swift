import NonLocalKernels
import SwiftOpenCL

/// Launches `tile_attention.cl`, softmax attention in one pass by work-groups, and `tile_merge.cl`.
struct TileAttentionKernels: Sendable {
    private let attention: Kernel
    private let merge: Kernel
    private let tile: GroupTile
    private let ownWeight: OwnWeight

    /// - Parameter valueChannels: of g and y.
    init(_ library: KernelLibrary, _ tile: GroupTile, ownWeight: OwnWeight, valueChannels: Int) throws {
        let macros = tile.attentionMacros(valueChannels: valueChannels)
        attention = try library.kernel("tile_attention", of: KernelSource.tiledAttention, defining: macros)
        merge = try library.kernel("tile_merge", of: KernelSource.tiledAttention, defining: macros)
        self.tile = tile
        self.ownWeight = ownWeight
    }

    /// - Parameter shared: room for what ``GroupTile/attentionShares(valueChannels:rows:keys:groups:)`` says, if
    ///   it says any.
    func launch(
        _ launcher: Launcher, _ operands: AttentionOperands, scale: Float, shared: Buffer<Float>?
    ) throws {
        let (rows, values) = (operands.rows, operands.valueChannels)
        let wanted = tile.attentionShares(
            valueChannels: values, rows: rows, keys: operands.keys, groups: operands.groups)
        // Chosen queries may be fewer in a group than the schedule has room for shares of.
        let shares = wanted.shared <= shared?.count ?? 0 ? wanted.count : 1
        let (theta, phi, g, y) = (operands.theta, operands.phi, operands.g, operands.y)
        let blocks = (rows + tile.block - 1) / tile.block
        let passes = tile.passes(valueChannels: values)
        let pairs = Double(operands.groups) * Double(rows) * Double(operands.keys)
        // Shared keys are those of few queries, which stay in one launch.
        try launcher.inSlices(
            of: attention, count: shares > 1 ? 1 : blocks,
            operations: 2 * pairs * Double(operands.width + values)
        ) { range, operations in
            let first = range.lowerBound * tile.block
            let count = shares > 1 ? rows : min(range.count * tile.block, rows - first)
            let (theta, y) = (theta.advanced(byPositions: first), y.advanced(byPositions: first))
            try launcher.launch(
                attention,
                [
                    theta.buffer, theta.argument, phi.buffer, phi.argument, g.buffer, g.argument, y.buffer,
                    y.argument, Int32(operands.width), Int32(values), Int32(count), Int32(operands.keys),
                    scale,
                    Int32(ownWeight.kernelArgument), Int32(first), Int32(shares), shared ?? y.buffer,
                ],
                global: [
                    (count + tile.block - 1) / tile.block * tile.side, passes * tile.side,
                    operands.groups * shares,
                ], local: [tile.side, tile.side, 1], operations: operations)
        }
        guard shares > 1, let shared else { return }
        try launcher.launch(
            merge,
            [
                shared, g.buffer, g.argument, y.buffer, y.argument, Int32(rows), Int32(shares), scale,
                Int32(ownWeight.kernelArgument),
            ], positions: rows, rows: values, items: operands.groups)
    }
}
