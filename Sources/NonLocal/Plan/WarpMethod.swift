import SwiftOpenCL

/// How a plan uses the warp kernels.
struct WarpMethod: Sendable, Hashable {
    let arithmetic: WarpTile.Arithmetic
    /// Whether the kernels hold PTX, or its twin that runs on any device.
    let usesPTX: Bool
    private let computeUnits: Int

    init(_ arithmetic: WarpTile.Arithmetic, on device: Device) {
        self.init(arithmetic, usesPTX: device.hasTensorCores, computeUnits: device.computeUnits)
    }

    private init(_ arithmetic: WarpTile.Arithmetic, usesPTX: Bool, computeUnits: Int) {
        self.arithmetic = arithmetic
        self.usesPTX = usesPTX
        self.computeUnits = computeUnits
    }

    /// The same in bfloat16.
    var inBfloat16: WarpMethod { WarpMethod(.bfloat16, usesPTX: usesPTX, computeUnits: computeUnits) }

    /// The kernels for so many channels of θ and φ, and of g.
    ///
    /// - Throws: ``NonLocalError/Code/configuration`` if they are too many.
    func variant(width: Int, values: Int) throws(NonLocalError) -> WarpVariant {
        try WarpVariant(width: width, values: values, arithmetic: arithmetic, usesPTX: usesPTX)
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
