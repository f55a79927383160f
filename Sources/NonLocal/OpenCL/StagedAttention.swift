import SwiftOpenCL

/// The operation in stages: affinity → weight → normaliser → weighted sum, a block of queries at a time.
///
/// What the other strategies are compared with, and what attention maps come from.
struct StagedAttention: Sendable {
    private let formulation: Formulation
    private let scale: Double
    private let affinity: AffinityKernel
    private let weight: PairwiseWeightKernel?
    private let ownWeight: OwnWeightKernel?
    private let softmax: SoftmaxKernel
    private let normalize: NormalizeKernels
    private let aggregate: AggregateKernel
    /// What takes the place of the products and the normalisers on devices with work-groups.
    private let tiled: Tiled?

    private struct Tiled: Sendable {
        /// None for the outer sum, which is no product.
        let affinity: TileProductKernels?
        let aggregate: TileProductKernels
        let normalize: TileSoftmaxKernels

        init(_ library: KernelLibrary, _ tile: GroupTile, score: Pairwise.Score) throws {
            aggregate = try TileProductKernels(library, tile)
            affinity =
                switch score {
                case .dotProduct: aggregate
                case .negativeSquaredDistance: try TileProductKernels(library, tile, isDistance: true)
                case .outerSum: nil
                }
            normalize = try TileSoftmaxKernels(library)
        }
    }

    /// - Parameter tile: of the tile kernels; the plain ones serve without.
    init(
        _ library: KernelLibrary, _ tile: GroupTile?, formulation: Formulation, scale: Double,
        ownWeight: OwnWeight
    ) throws {
        self.formulation = formulation
        self.scale = scale
        affinity = try AffinityKernel(library, score: formulation.score)
        // The softmax scales by itself; a scale of 0 or a sum wants it done before.
        let scalesFirst = scale == 0 || (formulation.normalizer == .sum && scale != 1)
        weight =
            formulation.weight != .score || scalesFirst
            ? try PairwiseWeightKernel(library, weight: formulation.weight) : nil
        self.ownWeight =
            ownWeight == .include ? nil : try OwnWeightKernel(library, strongest: ownWeight == .strongest)
        softmax = try SoftmaxKernel(library)
        normalize = try NormalizeKernels(library)
        aggregate = try AggregateKernel(library)
        tiled = try tile.map { try Tiled(library, $0, score: formulation.score) }
    }

    /// Computes y, or hands the normalised affinities of each block to `sink` instead.
    ///
    /// - Parameter affinities: room for a block, `[group][key][row]`.
    func run(
        _ launcher: Launcher, _ operands: AttentionOperands, blocks: RowBlocks, affinities: Buffer<Float>,
        sink: ((RowBlock) throws -> Void)? = nil
    ) throws {
        for block in blocks.blocks(groups: operands.groups, rows: operands.rows) {
            try score(launcher, affinities, operands, block)
            try weigh(launcher, affinities, operands, block)
            if let sink {
                try launcher.finish()
                try sink(block)
            } else {
                try aggregate(launcher, affinities, operands, block)
            }
        }
    }

    private func score(
        _ launcher: Launcher, _ affinities: Buffer<Float>, _ operands: AttentionOperands, _ block: RowBlock
    ) throws {
        guard let product = tiled?.affinity else {
            return try affinity.launch(
                launcher, theta: operands.theta, phi: operands.phi, width: operands.width, to: affinities,
                block)
        }
        try product.launch(
            launcher, operands.phi.advanced(byGroups: block.firstGroup),
            operands.theta.advanced(byPositions: block.firstRow).advanced(byGroups: block.firstGroup),
            to: [View(affinities, channels: block.keys, positions: block.rows)], heights: [block.keys],
            ProductSize(rows: block.keys, terms: operands.width, columns: block.rows, groups: block.groups))
    }

    private func aggregate(
        _ launcher: Launcher, _ affinities: Buffer<Float>, _ operands: AttentionOperands, _ block: RowBlock
    ) throws {
        let values = operands.valueChannels
        guard let product = tiled?.aggregate else {
            return try aggregate.launch(
                launcher, g: operands.g, weights: affinities, to: operands.y, valueChannels: values, block)
        }
        try product.launch(
            launcher, operands.g.transposed.advanced(byGroups: block.firstGroup),
            View(affinities, channels: block.keys, positions: block.rows),
            to: [operands.y.advanced(byPositions: block.firstRow).advanced(byGroups: block.firstGroup)],
            heights: [values],
            ProductSize(rows: values, terms: block.keys, columns: block.rows, groups: block.groups))
    }

    private func weigh(
        _ launcher: Launcher, _ affinities: Buffer<Float>, _ operands: AttentionOperands, _ block: RowBlock
    ) throws {
        var scale = Float(scale)
        if let weight {
            try weight.launch(launcher, affinities, scale: scale, block)
            scale = 1
        }
        if let ownWeight, let own = operands.own {
            try ownWeight.launch(
                launcher, affinities, own: own, firstOwn: operands.firstOwn, scale: scale, block)
        }
        switch formulation.normalizer {
        case .softmax:
            if let tiled {
                try tiled.normalize.launch(launcher, affinities, scale: scale, block)
            } else {
                try softmax.launch(launcher, affinities, scale: scale, block)
            }
        case .sum:
            if let tiled {
                try tiled.normalize.launchBySum(launcher, affinities, block)
            } else {
                try normalize.launchBySum(launcher, affinities, block)
            }
        case .count: try normalize.launch(launcher, affinities, factor: scale / Float(block.keys), block)
        case .none:
            if scale != 1 { try normalize.launch(launcher, affinities, factor: scale, block) }
        }
    }
}
