import NonLocalKernels
import SwiftOpenCL

/// Launches `warp_attention.cl`, softmax attention on tensor cores in one pass, and `warp_merge.cl`.
struct WarpAttention: Sendable {
    /// Buffers as large as ``WarpVariant/elements(rows:keys:valueChannels:groups:shares:)`` says, in its order.
    struct Room {
        let theta: Buffer<Float>
        let phi: Buffer<Float>
        let g: Buffer<Float>
        /// What θ, φ and g are scaled for.
        let limits: Buffer<Float>
        /// What the shares of the keys leave.
        let shared: Buffer<Float>
        /// Set where float16 holds numbers worse than bfloat16 would.
        var misfits: Buffer<Float>?
    }

    let variant: WarpVariant
    private let attention: Kernel
    private let merge: Kernel
    private let pack: WarpPackKernels

    init(_ library: KernelLibrary, _ variant: WarpVariant) throws {
        func kernel(_ name: String, workItems: Int = 1) throws -> Kernel {
            try library.kernel(
                name, of: KernelSource.warpAttentions, defining: variant.macros, isOptimized: variant.usesPTX,
                workItems: workItems)
        }
        self.variant = variant
        attention = try kernel("warp_attention", workItems: variant.tile.threads)
        merge = try kernel("warp_merge")
        pack = try WarpPackKernels { try kernel($0) }
    }

    /// More than 512 channels of g are taken in several launches, each of which computes the weights anew.
    ///
    /// - Parameter shares: parts of the keys that different work-groups take.
    func launch(
        _ launcher: Launcher, _ operands: AttentionOperands, scale: Float, shares: Int, _ room: Room
    ) throws {
        let (rows, keys, groups) = (operands.rows, operands.keys, operands.groups)
        try launcher.queue.fill(room.limits, with: 0)
        let tensors = [
            (operands.theta, operands.width, rows), (operands.phi, operands.width, keys),
            (operands.g, operands.valueChannels, keys),
        ]
        for (index, (tensor, channels, positions)) in tensors.enumerated() {
            try pack.launch(
                launcher, limitOf: tensor, channels: channels, positions: positions, groups: groups,
                to: room.limits, first: index * groups)
        }
        let tile = variant.tile
        let keyTiles = variant.keyBlocks(keys) * tile.keyTiles
        try pack.launch(
            launcher, operands.theta, channels: operands.width, positions: rows, groups: groups,
            limits: room.limits, sign: scale < 0 ? -1 : 1,
            to: WarpImage(
                buffer: room.theta, rowTiles: variant.rowBlocks(rows) * tile.blockRows / 16,
                termTiles: variant.width / 16, order: .byRows(1), side: .left),
            misfits: room.misfits)
        try pack.launch(
            launcher, operands.phi, channels: operands.width, positions: keys, groups: groups,
            limits: room.limits, first: groups,
            to: WarpImage(
                buffer: room.phi, rowTiles: keyTiles, termTiles: variant.width / 16,
                order: .byRows(tile.keyTiles), side: .right),
            misfits: room.misfits)
        for firstChannel in stride(from: 0, to: operands.valueChannels, by: WarpTile.mostValues) {
            let channels = min(WarpTile.mostValues, operands.valueChannels - firstChannel)
            var (g, y) = (operands.g, operands.y)
            g.offset += firstChannel * g.channelStride
            y.offset += firstChannel * y.channelStride
            try pack.launch(
                launcher, g, channels: channels, positions: keys, groups: groups, limits: room.limits,
                first: 2 * groups,
                to: WarpImage(
                    buffer: room.g, rowTiles: variant.values / 16, termTiles: keyTiles,
                    order: .byTerms(tile.keyTiles), side: .right),
                misfits: room.misfits)
            try attend(
                launcher, operands, y: y, valueChannels: channels, scale: scale, shares: shares, room)
        }
    }

    private func attend(
        _ launcher: Launcher, _ operands: AttentionOperands, y: View, valueChannels: Int, scale: Float,
        shares: Int, _ room: Room
    ) throws {
        let (rows, groups, tile) = (operands.rows, operands.groups, variant.tile)
        let pairs = Double(groups) * Double(rows) * Double(operands.keys)
        try launcher.inSlices(
            of: attention, count: groups, most: launcher.mostWorkGroups,
            operations: 2 * pairs * Double(operands.width + valueChannels)
        ) { slice, operations in
            try launcher.launch(
                attention,
                [
                    room.theta, room.phi, room.g, room.limits, y.buffer, y.argument, room.shared, Int32(rows),
                    Int32(operands.keys), Int32(valueChannels), scale, Int32(groups), Int32(slice.lowerBound),
                ], global: [variant.rowBlocks(rows) * tile.threads, shares, slice.count],
                local: [tile.threads, 1, 1], operations: operations)
        }
        guard shares > 1 else { return }
        let span = 64
        try launcher.launch(
            merge,
            [
                room.shared, room.limits, y.buffer, y.argument, Int32(valueChannels), Int32(rows),
                Int32(shares), scale, Int32(groups),
            ], global: [(rows + span - 1) / span * span, min(valueChannels, 16), groups],
            local: [span, 1, 1])
    }
}
