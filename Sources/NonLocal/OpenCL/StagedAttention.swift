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
    /// What takes the place of the products on tensor cores.
    private let warp: WarpStages?
    /// None where no sums are taken.
    private let sums: AttentionSums?

    private struct Tiled: Sendable {
        /// None for the outer sum, which is no product, and on tensor cores.
        let affinity: TileProductKernels?
        /// None on tensor cores.
        let aggregate: TileProductKernels?
        let normalize: TileSoftmaxKernels
        /// None where operands are read as they are.
        let pack: TilePackKernels?

        /// The normalisers alone.
        init(_ library: KernelLibrary) throws {
            (affinity, aggregate, pack) = (nil, nil, nil)
            normalize = try TileSoftmaxKernels(library)
        }

        init(
            _ library: KernelLibrary, _ tile: GroupTile, score: Pairwise.Score, _ precision: Precision
        ) throws {
            let product = try TileProductKernels(library, tile, precision)
            pack = try TilePackKernels(library, precision)
            aggregate = product
            affinity =
                switch score {
                case .dotProduct: product
                case .negativeSquaredDistance: try TileProductKernels(library, tile, isDistance: true)
                case .outerSum: nil
                }
            normalize = try TileSoftmaxKernels(library, precision)
        }
    }

    /// - Parameters:
    ///   - tile: of the tile kernels; the plain ones serve without.
    ///   - warp: what the warp kernels compute products of softmax forms with, if they do.
    ///   - precision: what the tile kernels keep operands of softmax forms in.
    init(
        _ library: KernelLibrary, _ tile: GroupTile?, _ warp: WarpMethod? = nil, formulation: Formulation,
        scale: Double, ownWeight: OwnWeight, _ precision: Precision = .float32, sums: AttentionSums? = nil
    ) throws {
        self.sums = sums
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
        self.warp = try warp.map { try WarpStages(library, $0) }
        tiled =
            try warp == nil
            ? tile.map { try Tiled(library, $0, score: formulation.score, precision) } : Tiled(library)
    }

    /// Computes y, or hands the normalised affinities of each block to `sink` instead.
    ///
    func run(
        _ launcher: Launcher, _ operands: AttentionOperands, _ workspace: Workspace,
        sink: ((RowBlock) throws -> Void)? = nil
    ) throws {
        let affinities = try workspace.required(.affinity)
        let blocks = try workspace.blocks().blocks(groups: operands.groups, rows: operands.rows)
        if let warp {
            let room = try WarpStages.Room(workspace)
            return try run(launcher, operands, warp, blocks, affinities, room)
        }
        let stored = try tiled?.pack.map {
            try $0.launch(launcher, operands, TilePackKernels.Room(required: workspace))
        }
        guard stored == nil || (sums == nil && sink == nil) else {
            throw NonLocalError(.configuration, "sums and maps are taken of weights in float32")
        }
        let weights = try stored.map { _ in try workspace.required(.packedAffinity) }
        let operands = stored?.operands ?? operands
        for block in blocks {
            try score(launcher, affinities, operands, stored, block)
            try sums?.takeScores(launcher, affinities, operands, block)
            try weigh(launcher, affinities, operands, block, to: weights)
            try sums?.takeWeights(launcher, affinities, operands, block)
            if let sink {
                try launcher.finish()
                try sink(block)
            } else {
                try aggregate(launcher, weights ?? affinities, operands, stored, block)
            }
        }
    }

    /// The same on tensor cores.
    ///
    /// - Parameter affinities: room for a block, `[group][key][row]`.
    func run(
        _ launcher: Launcher, _ operands: AttentionOperands, _ warp: WarpStages, _ blocks: [RowBlock],
        _ affinities: Buffer<Float>, _ room: WarpStages.Room
    ) throws {
        var keys: WarpStages.Keys?
        for block in blocks {
            let packed =
                try keys.flatMap { $0.firstGroup == block.firstGroup ? $0 : nil }
                ?? warp.keys(launcher, operands, block, room)
            keys = packed
            try warp.score(launcher, operands, packed, block, to: affinities, room)
            try weigh(launcher, affinities, operands, block)
            try warp.aggregate(launcher, operands, packed, block, from: affinities, room)
        }
    }

    private func score(
        _ launcher: Launcher, _ affinities: Buffer<Float>, _ operands: AttentionOperands,
        _ stored: StoredOperands?, _ block: RowBlock
    ) throws {
        guard let product = tiled?.affinity else {
            return try affinity.launch(
                launcher, theta: operands.theta, phi: operands.phi, width: operands.width, to: affinities,
                block)
        }
        try product.launch(
            launcher, operands.phi.advanced(byGroups: block.firstGroup),
            operands.theta.advanced(byPositions: block.firstRow).advanced(byGroups: block.firstGroup),
            stored?.limits(rows: .phi, columns: .theta, block),
            to: [View(affinities, channels: block.keys, positions: block.rows)], heights: [block.keys],
            ProductSize(rows: block.keys, terms: operands.width, columns: block.rows, groups: block.groups))
    }

    private func aggregate(
        _ launcher: Launcher, _ weights: Buffer<Float>, _ operands: AttentionOperands,
        _ stored: StoredOperands?, _ block: RowBlock
    ) throws {
        let values = operands.valueChannels
        guard let product = tiled?.aggregate else {
            return try aggregate.launch(
                launcher, g: operands.g, weights: weights, to: operands.y, valueChannels: values, block)
        }
        try product.launch(
            launcher, operands.g.transposed.advanced(byGroups: block.firstGroup),
            View(weights, channels: block.keys, positions: block.rows),
            stored?.limits(rows: .g, columns: .weights, block),
            to: [operands.y.advanced(byPositions: block.firstRow).advanced(byGroups: block.firstGroup)],
            heights: [values],
            ProductSize(rows: values, terms: block.keys, columns: block.rows, groups: block.groups))
    }

    /// - Parameter weights: room for them in 16 bits; in the place of the affinities without.
    private func weigh(
        _ launcher: Launcher, _ affinities: Buffer<Float>, _ operands: AttentionOperands, _ block: RowBlock,
        to weights: Buffer<Float>? = nil
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
                try tiled.normalize.launch(launcher, affinities, scale: scale, block, to: weights)
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
