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

    /// Room for θ, φ and g kept in 16 bits, as
    /// ``GroupTile/packedElements(_:width:valueChannels:rows:keys:groups:)`` says.
    struct Room: Sendable {
        let theta: Buffer<Float>
        let phi: Buffer<Float>
        let g: Buffer<Float>
        /// For what the groups of each are scaled.
        let limits: Buffer<Float>
        /// Set where float16 holds numbers worse than bfloat16 would.
        let misfits: Buffer<Float>?
    }

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
        pack = precision == .float32 ? nil : try TilePackKernels(kernel)
        self.tile = tile
        self.ownWeight = ownWeight
        self.sums = sums
    }

    /// - Parameters:
    ///   - shared: room for what ``GroupTile/attentionShares(valueChannels:rows:keys:groups:)`` says, if it says any.
    ///   - packed: room for operands in 16 bits, if they are kept so.
    func launch(
        _ launcher: Launcher, _ operands: AttentionOperands, scale: Float, shared: Buffer<Float>?,
        packed: Room? = nil
    ) throws {
        let (rows, values) = (operands.rows, operands.valueChannels)
        let wanted = tile.attentionShares(
            valueChannels: values, rows: rows, keys: operands.keys, groups: operands.groups, sums: sums)
        // Chosen queries may be fewer in a group than the schedule has room for shares of.
        let shares = wanted.shared <= shared?.count ?? 0 ? wanted.count : 1
        let stored = try packed.flatMap { try pack?.launch(launcher, operands, $0) } ?? operands
        let (theta, phi, g, y) = (stored.theta, stored.phi, stored.g, stored.y)
        let limits = packed?.limits ?? y.buffer
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

extension TileAttentionKernels.Room {
    /// The room that a workspace has; none where operands are read as they are.
    init?(_ workspace: Workspace) {
        guard let theta = workspace[.packedTheta], let phi = workspace[.packedPhi],
            let g = workspace[.packedG], let limits = workspace[.limits]
        else { return nil }
        self.init(theta: theta, phi: phi, g: g, limits: limits, misfits: workspace[.misfits])
    }
}

/// Launches `tile_pack.cl`: θ, φ and g brought into 16 bits.
struct TilePackKernels: Sendable {
    /// Positions of a work-group that looks for the largest magnitude (`SPAN`), work-groups that share the channels,
    /// and channels that a work-item packs (`PACKED`).
    private static let span = 64, parts = 16, packed = 8

    private let limit: Kernel
    private let pack: Kernel

    init(_ kernel: (String) throws -> Kernel) throws {
        limit = try kernel("tile_limit")
        pack = try kernel("tile_pack")
    }

    /// - Returns: the operands with what was packed in their places.
    func launch(
        _ launcher: Launcher, _ operands: AttentionOperands, _ room: TileAttentionKernels.Room
    ) throws -> AttentionOperands {
        try launcher.queue.fill(room.limits, with: 0)
        var stored = operands
        func packed(_ x: View, _ channels: Int, _ positions: Int, _ place: Int, _ target: Buffer<Float>)
            throws
            -> View
        {
            let (span, first) = (Self.span, Int32(place * operands.groups))
            try launcher.launch(
                limit, [x.buffer, x.argument, room.limits, first, Int32(channels), Int32(positions)],
                global: [
                    (positions + span - 1) / span * span, min(channels, Self.parts), operands.groups,
                ],
                local: [span, 1, 1])
            try launcher.launch(
                pack,
                [
                    x.buffer, x.argument, room.limits, first, target, Int32(channels), Int32(positions),
                    room.misfits ?? room.limits, Int32(room.misfits == nil ? 0 : 1),
                ], positions: positions, rows: (channels + Self.packed - 1) / Self.packed,
                items: operands.groups)
            return View(target, channels: channels, positions: positions)
        }
        stored.theta = try packed(operands.theta, operands.width, operands.rows, 0, room.theta)
        stored.phi = try packed(operands.phi, operands.width, operands.keys, 1, room.phi)
        stored.g = try packed(operands.g, operands.valueChannels, operands.keys, 2, room.g)
        return stored
    }
}
