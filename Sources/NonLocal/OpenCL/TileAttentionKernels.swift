import NonLocalKernels
import SwiftOpenCL

/// Launches `tile_attention.cl`, softmax attention in one pass by work-groups, and `tile_merge.cl`; where operands are
/// kept in 16 bits, `tile_pack.cl` before them.
struct TileAttentionKernels: Sendable {
    private let attention: Kernel
    private let merge: Kernel
    /// None where θ, φ and g are read as they are.
    private let pack: TilePackKernels?
    private let tile: GroupTile
    private let ownWeight: OwnWeight
    /// Whether sums are given out.
    private let sums: Bool

    /// - Parameters:
    ///   - valueChannels: of g and y.
    ///   - precision: what θ, φ and g are kept in.
    init(
        _ library: KernelLibrary, _ tile: GroupTile, ownWeight: OwnWeight, valueChannels: Int,
        _ precision: Precision = .float32, sums: Bool = false
    ) throws {
        let macros = tile.attentionMacros(valueChannels: valueChannels, precision)
        func kernel(_ name: String) throws -> Kernel {
            try library.kernel(
                name, of: sums ? KernelSource.tiledSummed : KernelSource.tiledAttention, defining: macros)
        }
        attention = try kernel("tile_attention")
        merge = try kernel("tile_merge")
        pack = try TilePackKernels(library, precision)
        self.tile = tile
        self.ownWeight = ownWeight
        self.sums = sums
    }

    /// - Parameters:
    ///   - shared: room for what ``GroupTile/attentionShares(valueChannels:rows:keys:groups:)`` says, if it says any.
    ///   - packed: room for operands in 16 bits, if they are kept so.
    func launch(
        _ launcher: Launcher, _ operands: AttentionOperands, scale: Float, shared: Buffer<Float>?,
        packed: TilePackKernels.Room? = nil
    ) throws {
        let (rows, values) = (operands.rows, operands.valueChannels)
        let wanted = tile.attentionShares(
            valueChannels: values, rows: rows, keys: operands.keys, groups: operands.groups, sums: sums)
        // Chosen queries may be fewer in a group than the schedule has room for shares of.
        let shares = wanted.shared <= shared?.count ?? 0 ? wanted.count : 1
        let stored = try pack.map { pack in
            guard let packed else { throw TilePackKernels.noRoom }
            return try pack.launch(launcher, operands, packed)
        }
        let operands = stored?.operands ?? operands
        let (theta, phi, g, y) = (operands.theta, operands.phi, operands.g, operands.y)
        let limits = stored?.limits ?? y.buffer
        let blocks = (rows + tile.block - 1) / tile.block
        let passes = tile.passes(valueChannels: values)
        guard !sums || operands.sums != nil else { throw AttentionOperands.noSums }
        let given = sums ? operands.sums : nil
        let pairs = Double(operands.groups) * Double(rows) * Double(operands.keys)
        // Shared keys are those of few queries, which stay in one launch.
        try launcher.inSlices(
            of: attention, count: shares > 1 ? 1 : blocks,
            operations: 2 * pairs * Double(operands.width + values)
        ) { range, operations in
            let first = range.lowerBound * tile.block
            let count = shares > 1 ? rows : min(range.count * tile.block, rows - first)
            let (theta, y) = (theta.advanced(byPositions: first), y.advanced(byPositions: first))
            var given = given
            if let rows = given?.rows { given?.rows = rows.advanced(byPositions: first) }
            try launcher.launch(
                attention,
                [
                    theta.buffer, theta.argument, phi.buffer, phi.argument, g.buffer, g.argument, y.buffer,
                    y.argument, Int32(operands.width), Int32(values), Int32(count), Int32(operands.keys),
                    scale,
                    Int32(ownWeight.kernelArgument), Int32(first), Int32(shares), Int32(operands.groups),
                    shared ?? y.buffer, limits,
                ] + (given?.kernelArguments ?? []),
                global: [
                    (count + tile.block - 1) / tile.block * tile.side, passes * tile.side,
                    operands.groups * shares,
                ], local: [tile.side, tile.side, 1], operations: operations)
        }
        guard shares > 1, let shared else { return }
        try launcher.launch(
            merge,
            [
                shared, g.buffer, g.argument, y.buffer, y.argument, Int32(rows), Int32(shares),
                Int32(operands.groups), Int32(values), scale,
                Int32(ownWeight.kernelArgument), limits,
            ] + (given?.kernelArguments ?? []), positions: rows, rows: values, items: operands.groups)
    }
}
