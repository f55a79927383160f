import SwiftOpenCL

/// The products of staged attention on tensor cores: the scores of a block of rows, and y from the weights that the
/// softmax made of them.
struct WarpStages: Sendable {
    /// Buffers as large as ``WarpMethod/stagedElements(width:valueChannels:rows:keys:groups:)`` and
    /// ``WarpMethod/packedWeights(_:)`` say.
    struct Room: Sendable {
        let theta: Buffer<Float>
        let phi: Buffer<Float>
        let g: Buffer<Float>
        /// The weights of a block.
        let weights: Buffer<Float>
        /// What θ, φ, g and the weights are scaled for.
        let limits: Buffer<Float>
        /// Set where float16 holds numbers worse than bfloat16 would.
        let misfits: Buffer<Float>?
    }

    /// φ and g of a block's groups.
    struct Keys {
        /// The group that they begin with.
        let firstGroup: Int
        let phi: WarpProduct.Factor
        let g: WarpProduct.Factor
    }

    private let product: WarpProduct

    init(_ library: KernelLibrary, _ warp: WarpMethod) throws {
        product = try WarpProduct(library, warp.arithmetic, usesPTX: warp.usesPTX)
    }

    /// Packs φ and g of a block's groups.
    func keys(_ launcher: Launcher, _ operands: AttentionOperands, _ block: RowBlock, _ room: Room) throws
        -> Keys
    {
        let groups = block.groups
        try launcher.queue.fill(room.limits, with: 0, range: 0..<3 * groups)
        // A weight is 1 at most.
        try launcher.queue.fill(room.limits, with: 1, range: 3 * groups..<4 * groups)
        return Keys(
            firstGroup: block.firstGroup,
            phi: try product.factor(
                launcher, operands.phi.advanced(byGroups: block.firstGroup), channels: operands.width,
                positions: block.keys, groups: groups, .right, room: room.phi, limits: room.limits,
                firstLimit: groups, misfits: room.misfits),
            g: try product.factor(
                launcher, operands.g.transposed.advanced(byGroups: block.firstGroup), channels: block.keys,
                positions: operands.valueChannels, groups: groups, .left, room: room.g, limits: room.limits,
                firstLimit: 2 * groups, misfits: room.misfits))
    }

    /// s[j, i] = θ_i · φ_j, `[groups][keys][rows]`
    func score(
        _ launcher: Launcher, _ operands: AttentionOperands, _ keys: Keys, _ block: RowBlock,
        to s: Buffer<Float>, _ room: Room
    ) throws {
        let theta = try product.factor(
            launcher,
            operands.theta.advanced(byPositions: block.firstRow).advanced(byGroups: block.firstGroup),
            channels: operands.width, positions: block.rows, groups: block.groups, .left, room: room.theta,
            limits: room.limits, misfits: room.misfits)
        // Keys may be beyond what a launch has along its second dimension; rows of a block are fewer.
        try product.launch(
            launcher, theta, keys.phi, to: View(s, channels: block.keys, positions: block.rows).transposed,
            ProductSize(rows: block.rows, terms: operands.width, columns: block.keys, groups: block.groups))
    }

    /// y[c, i] = Σ_j g[c, j] p[j, i]
    func aggregate(
        _ launcher: Launcher, _ operands: AttentionOperands, _ keys: Keys, _ block: RowBlock,
        from p: Buffer<Float>, _ room: Room
    ) throws {
        let weights = try product.factor(
            launcher, View(p, channels: block.keys, positions: block.rows), channels: block.keys,
            positions: block.rows, groups: block.groups, .right, room: room.weights, limits: room.limits,
            firstLimit: 3 * block.groups, isMeasured: false)
        try product.launch(
            launcher, keys.g, weights,
            to: operands.y.advanced(byPositions: block.firstRow).advanced(byGroups: block.firstGroup),
            ProductSize(
                rows: operands.valueChannels, terms: block.keys, columns: block.rows, groups: block.groups))
    }
}

extension WarpStages.Room {
    /// The room that a workspace has for a method of the warp kernels.
    init(_ workspace: Workspace) throws {
        self.init(
            theta: try workspace.required(.packedTheta), phi: try workspace.required(.packedPhi),
            g: try workspace.required(.packedG), weights: try workspace.required(.packedAffinity),
            limits: try workspace.required(.limits), misfits: workspace[.misfits])
    }
}
