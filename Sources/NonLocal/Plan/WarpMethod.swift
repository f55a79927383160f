import SwiftOpenCL

/// How a plan uses the warp kernels.
struct WarpMethod: Sendable, Hashable {
    let arithmetic: WarpTile.Arithmetic
    /// Whether the kernels hold PTX, or its twin that runs on any device.
    let usesPTX: Bool
    /// Tiles of fused attention in the place of the table's.
    private let tiles: [WarpTile]
    private let computeUnits: Int

    /// - Parameter tiles: of fused attention, in the place of the table's.
    init(_ arithmetic: WarpTile.Arithmetic, on device: Device, tiles: [WarpTile] = []) {
        self.init(
            arithmetic, usesPTX: device.hasTensorCores, tiles: tiles, computeUnits: device.computeUnits)
    }

    private init(
        _ arithmetic: WarpTile.Arithmetic, usesPTX: Bool, tiles: [WarpTile], computeUnits: Int
    ) {
        self.arithmetic = arithmetic
        self.usesPTX = usesPTX
        self.tiles = tiles
        self.computeUnits = computeUnits
    }

    /// The same in bfloat16.
    var inBfloat16: WarpMethod {
        WarpMethod(.bfloat16, usesPTX: usesPTX, tiles: tiles, computeUnits: computeUnits)
    }

    /// The same with each tile for a size, its own first; of the others those alone that take no more local memory
    /// than any device gives.
    func alternatives(_ sizes: PairSizes) -> [WarpMethod] {
        guard let own = try? variant(width: sizes.width, values: sizes.valueChannels),
            let usual = try? WarpVariant(
                width: sizes.width, values: sizes.valueChannels, arithmetic: arithmetic, usesPTX: usesPTX)
        else { return [self] }
        let others = WarpTile.candidates(arithmetic, like: usual.tile).map {
            WarpMethod(arithmetic, usesPTX: usesPTX, tiles: [$0], computeUnits: computeUnits)
        }.filter {
            guard let variant = try? $0.variant(width: sizes.width, values: sizes.valueChannels) else {
                return false
            }
            return variant.tile != own.tile && variant.localMemory <= WarpTile.usualLocalMemory
        }
        return [self] + others
    }

    /// The kernels for so many channels of θ and φ, and of g.
    ///
    /// - Throws: ``NonLocalError/Code/configuration`` if they are too many.
    func variant(width: Int, values: Int) throws(NonLocalError) -> WarpVariant {
        try WarpVariant(
            width: width, values: values, arithmetic: arithmetic, usesPTX: usesPTX, tuned: tiles)
    }

    /// Parts of the keys that work-groups share, as many as there is room for.
    ///
    /// - Parameter room: elements that the shares may leave.
    func shares(_ variant: WarpVariant, _ operands: AttentionOperands, room: Int) -> Int {
        let wanted = variant.shares(
            rows: operands.rows, keys: operands.keys, groups: operands.groups, computeUnits: computeUnits)
        let needed = variant.sharedElements(
            rows: operands.rows, valueChannels: operands.valueChannels, groups: operands.groups,
            shares: wanted)
        return needed <= room ? wanted : 1
    }

    /// Elements that a strategy takes for each of `groups` groups, apart from shares and affinities.
    func elements(
        _ strategy: Strategy, width: Int, valueChannels: Int, rows: Int, keys: Int, groups: Int
    ) -> [BufferRole: Int] {
        guard strategy == .fused else {
            return stagedElements(
                width: width, valueChannels: valueChannels, rows: rows, keys: keys, groups: groups)
        }
        guard let variant = try? variant(width: width, values: valueChannels) else { return [:] }
        let sizes = variant.elements(
            rows: rows, keys: keys, valueChannels: valueChannels, groups: groups, shares: 1)
        return [.packedTheta: sizes[0], .packedPhi: sizes[1], .packedG: sizes[2], .limits: sizes[3]]
    }

    /// Elements that the shares of a launch leave, of the fused strategy alone.
    func shared(
        _ strategy: Strategy, width: Int, valueChannels: Int, rows: Int, keys: Int, groups: Int
    ) -> Int {
        guard strategy == .fused, let variant = try? variant(width: width, values: valueChannels) else {
            return 0
        }
        let shares = variant.shares(rows: rows, keys: keys, groups: groups, computeUnits: computeUnits)
        return variant.sharedElements(
            rows: rows, valueChannels: valueChannels, groups: groups, shares: shares)
    }
}

extension Device {
    /// Whether the warp kernels' PTX runs on it.
    var hasTensorCores: Bool { computeCapability.map { $0.major >= 8 } ?? false }
}
