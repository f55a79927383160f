import SwiftOpenCL

/// Sums over the keys that attention leaves for each query, in this order.
enum AttentionSum: Int, Sendable, CaseIterable {
    /// Σ_j s_ij, not scaled.
    case scores
    case scoreSquares
    /// Σ_j p_ij
    case weights
    /// Of the staged strategy alone.
    case weightSquares
    /// Σ_j p_ij Σ_c v_c g_jc
    case weighted
    /// What y is divided by, of the fused strategy alone.
    case normalizer
}

/// Takes the sums of the staged strategy, whose affinities are in memory.
struct AttentionSums: Sendable {
    private let kernels: ChecksumKernels

    init(_ library: KernelLibrary) throws { kernels = try ChecksumKernels(library) }

    /// Of the scores of a block, before they become weights.
    func takeScores(
        _ launcher: Launcher, _ affinities: Buffer<Float>, _ operands: AttentionOperands, _ block: RowBlock
    ) throws {
        try take(launcher, affinities, operands, block, weights: nil, to: .scores)
    }

    /// Of the normalised weights, alone and times g's sums.
    func takeWeights(
        _ launcher: Launcher, _ affinities: Buffer<Float>, _ operands: AttentionOperands, _ block: RowBlock
    ) throws {
        try take(launcher, affinities, operands, block, weights: nil, to: .weights)
        try take(launcher, affinities, operands, block, weights: operands.sums?.values, to: .weighted)
    }

    /// - Parameter weights: of the keys; ones without, with the sum of squares too.
    private func take(
        _ launcher: Launcher, _ affinities: Buffer<Float>, _ operands: AttentionOperands, _ block: RowBlock,
        weights: View?, to sum: AttentionSum
    ) throws {
        guard let sums = operands.sums else { return }
        let ones = sums.ones
        try kernels.launch(
            launcher, of: View(affinities, channels: block.keys, positions: block.rows),
            ChecksumKernels.Weights(
                view: weights ?? View(shared: ones, rows: 1, channels: block.keys), rows: 1,
                squares: weights == nil ? ones : nil),
            ChecksumKernels.Size(channels: block.keys, positions: block.rows, groups: block.groups),
            firstGroup: block.firstGroup,
            to: sums.rows.advanced(byChannels: sum.rawValue).advanced(byPositions: block.firstRow))
    }
}

extension View {
    /// `[rows][channels]`, the same for all groups.
    init(shared buffer: Buffer<Float>, rows: Int, channels: Int) {
        self.init(buffer, channels: rows, positions: channels)
        itemStride = 0
    }
}
