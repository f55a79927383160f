/// Attention in stages: the scores of a block of rows go to memory, where they stay in the second-level cache, and both
/// products are those of `warp_product.cl`.
///
/// Fused attention takes more than 512 channels of g in several launches, each of which computes the scores again; here
/// they are computed once. It knows no own weights either.
extension WarpMethod {
    /// Elements of θ, φ and g of each group, packed, and of what they and the weights are scaled for.
    func stagedElements(
        width: Int, valueChannels: Int, rows: Int, keys: Int, groups: Int
    ) -> [BufferRole: Int] {
        func elements(_ channels: Int, _ positions: Int) -> Int {
            WarpProduct.elements(arithmetic, channels: channels, positions: positions, items: groups)
        }
        return [
            .packedTheta: elements(width, rows), .packedPhi: elements(width, keys),
            .packedG: elements(keys, valueChannels), .limits: 4 * groups,
        ]
    }

    /// Elements of the weights of a block, packed.
    func packedWeights(_ blocks: RowBlocks) -> Int {
        WarpProduct.elements(
            arithmetic, channels: blocks.keys, positions: blocks.rows, items: blocks.groups)
    }

    /// Whether one pass over all pairs is the quicker way, by the bounds of an H200.
    func fusingPays(_ sizes: PairSizes) -> Bool {
        guard let fused = secondsPerPairFused(sizes) else { return false }
        return fused <= secondsPerPairStaged(sizes)
    }

    /// Whether the tile kernels' fused attention takes longer than this: they multiply in float32.
    func stagingPaysBesideTiles(_ sizes: PairSizes) -> Bool {
        secondsPerPairStaged(sizes) * DeviceRates.float32 < 2 * Double(sizes.width + sizes.valueChannels)
    }

    /// None where θ and φ are too wide.
    func secondsPerPairFused(_ sizes: PairSizes) -> Double? {
        var seconds = 0.0
        for first in stride(from: 0, to: sizes.valueChannels, by: WarpTile.mostValues) {
            guard
                let variant = try? variant(width: sizes.width, values: sizes.valueChannels - first)
            else { return nil }
            seconds += variant.traffic.seconds / Double(variant.tile.blockRows * variant.tile.keys)
        }
        return seconds
    }

    func secondsPerPairStaged(_ sizes: PairSizes) -> Double {
        let product = WarpProduct.traffic(arithmetic)
        // A score is written, read twice for its weight, which is written, read and packed.
        let bytes = Double(20 + 2 * arithmetic.parts)
        return 2 * Double(sizes.width + sizes.valueChannels) * product.seconds / product.operations
            + bytes / DeviceRates.distant
    }
}
