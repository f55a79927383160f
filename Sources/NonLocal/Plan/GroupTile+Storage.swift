extension Precision {
    /// What tile kernels that keep operands in it are compiled with (`tile_storage.cl`).
    var storageMacros: [String: String] {
        switch self {
        case .float32: ["STORAGE": "FLOAT32"]
        case .mixed, .float16: ["STORAGE": "FLOAT16"]
        case .bfloat16: ["STORAGE": "BFLOAT16"]
        }
    }
}

/// Room for what the tile kernels keep in 16 bits.
extension GroupTile {
    /// Elements that so many numbers of 16 bits take.
    static func packed(_ count: Int) -> Int { (count + 1) / 2 }

    /// Elements of θ, φ and g of `groups` groups, and of what they and the weights are scaled for; none in float32.
    static func packedElements(
        _ precision: Precision, width: Int, valueChannels: Int, rows: Int, keys: Int, groups: Int
    ) -> [BufferRole: Int] {
        guard precision != .float32 else { return [:] }
        return [
            .packedTheta: packed(width * rows * groups), .packedPhi: packed(width * keys * groups),
            .packedG: packed(valueChannels * keys * groups), .limits: 4 * groups,
        ]
    }
}

extension Method {
    /// Whether the tile kernels keep operands in 16 bits.
    var storesTiles: Bool { groupTile != nil && precision != .float32 }

    /// Elements of the weights of a block in the form that the aggregation reads, where the softmax does not leave them
    /// so in the place of the scores.
    func packedWeights(_ blocks: RowBlocks) -> Int {
        guard strategy == .staged else { return 0 }
        return warp?.packedWeights(blocks) ?? (storesTiles ? GroupTile.packed(blocks.capacity) : 0)
    }
}
