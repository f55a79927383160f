import NonLocalKernels
import SwiftOpenCL

/// A block of queries whose affinities are in device memory at one time.
struct RowBlock: Sendable, Hashable {
    var firstGroup: Int
    var groups: Int
    var firstRow: Int
    var rows: Int
    /// Keys of each group.
    var keys: Int

    /// Affinities in the block, `[group][key][row]`.
    var count: Int { groups * keys * rows }
}

/// Launches `affinity.cl`: the score of each pair.
struct AffinityKernel: Sendable {
    private let kernel: Kernel

    init(_ library: KernelLibrary, score: Pairwise.Score) throws {
        let name =
            switch score {
            case .dotProduct: "affinity_dot_product"
            case .outerSum: "affinity_outer_sum"
            case .negativeSquaredDistance: "affinity_negative_squared_distance"
            }
        kernel = try library.kernel(name)
    }

    func launch(
        _ launcher: Launcher, theta: View, phi: View, width: Int, to s: Buffer<Float>, _ block: RowBlock
    ) throws {
        try launcher.launch(
            kernel,
            [
                theta.buffer, theta.argument, phi.buffer, phi.argument, s, Int32(width), Int32(block.keys),
                Int32(block.firstGroup), Int32(block.firstRow), Int32(block.rows),
            ], positions: block.rows, rows: rowBlocks(block.keys), items: block.groups,
            operations: Cost.product(block.rows, width, block.keys, batch: block.groups).operations)
    }
}

/// Launches `pairwise_weight.cl`: `s ← w(scale · s)`.
struct PairwiseWeightKernel: Sendable {
    private let kernel: Kernel

    init(_ library: KernelLibrary, weight: WeightExpression) throws {
        kernel = try library.kernel(
            "pairwise_weight", of: [.view, .pairwiseWeight], defining: ["WEIGHT(s)": weight.openCL])
    }

    func launch(_ launcher: Launcher, _ s: Buffer<Float>, scale: Float, _ block: RowBlock) throws {
        try launcher.launch(
            kernel, [s, scale, Int32(block.keys), Int32(block.rows)], positions: block.rows, rows: block.keys,
            items: block.groups)
    }
}

/// Launches `own_weight.cl`: what becomes of i = j.
struct OwnWeightKernel: Sendable {
    private let kernel: Kernel

    init(_ library: KernelLibrary, strongest: Bool) throws {
        kernel = try library.kernel(strongest ? "own_weight_strongest" : "own_weight_exclude")
    }

    /// - Parameter own: the key that each row is itself.
    func launch(
        _ launcher: Launcher, _ s: Buffer<Float>, own: Buffer<Int32>, firstOwn: Int, scale: Float,
        _ block: RowBlock
    ) throws {
        try launcher.launch(
            kernel, [s, own, scale, Int32(block.keys), Int32(firstOwn + block.firstRow), Int32(block.rows)],
            positions: block.rows, items: block.groups)
    }
}

/// Launches `softmax.cl`.
struct SoftmaxKernel: Sendable {
    private let kernel: Kernel

    init(_ library: KernelLibrary) throws {
        kernel = try library.kernel("softmax")
    }

    func launch(_ launcher: Launcher, _ s: Buffer<Float>, scale: Float, _ block: RowBlock) throws {
        try launcher.launch(
            kernel, [s, scale, Int32(block.keys), Int32(block.rows)], positions: block.rows,
            items: block.groups)
    }
}

/// Launches `normalize.cl`: the normalisers other than softmax.
struct NormalizeKernels: Sendable {
    private let byConstant: Kernel
    private let bySum: Kernel

    init(_ library: KernelLibrary) throws {
        byConstant = try library.kernel("normalize_by_constant")
        bySum = try library.kernel("normalize_by_sum")
    }

    func launch(_ launcher: Launcher, _ w: Buffer<Float>, factor: Float, _ block: RowBlock) throws {
        try launcher.launch(
            byConstant, [w, factor, Int32(block.keys), Int32(block.rows)], positions: block.rows,
            rows: block.keys, items: block.groups)
    }

    func launchBySum(_ launcher: Launcher, _ w: Buffer<Float>, _ block: RowBlock) throws {
        try launcher.launch(
            bySum, [w, Int32(block.keys), Int32(block.rows)], positions: block.rows, items: block.groups)
    }
}

/// Launches `aggregate.cl`: the weighted sum of g.
struct AggregateKernel: Sendable {
    private let kernel: Kernel

    init(_ library: KernelLibrary) throws {
        kernel = try library.kernel("aggregate")
    }

    func launch(
        _ launcher: Launcher, g: View, weights p: Buffer<Float>, to y: View, valueChannels: Int,
        _ block: RowBlock
    ) throws {
        try launcher.launch(
            kernel,
            [
                g.buffer, g.argument, p, y.buffer, y.argument, Int32(valueChannels), Int32(block.keys),
                Int32(block.firstGroup), Int32(block.firstRow), Int32(block.rows),
            ], positions: block.rows, rows: rowBlocks(valueChannels), items: block.groups,
            operations: Cost.product(valueChannels, block.keys, block.rows, batch: block.groups).operations)
    }
}
