/// A comparison of a picture's patches as a non-local block, to look at what resembles what:
///
///     let comparison = try NonLocalMeans(patch: 5).comparison(of: clip, bandwidth: .levels(5))
///     let maps = try AttentionMaps(of: comparison.block, comparison.x, at: [.init(t: 0, h: 60, w: 100)])
///
/// Position i of x holds the leading principal components f_i of its patch over h, the numbers 1 and
/// −‖f_i / h‖² / 2, and the patch p_i itself; the block's weights pick θ, φ and g out of them. So its affinity is
/// exp(−‖f_i − f_j‖² / 2h²), y_i the mean of patches that non-local means takes, and z_i has y_i in the place of
/// the patch and zero elsewhere.
public struct PatchComparison: Sendable {
    /// How far patches may be apart and yet be alike.
    public enum Bandwidth: Sendable, Hashable {
        /// In grey levels: where the pixels of two patches differ by so much in the root mean square, along the
        /// components that are compared, the affinity has fallen to 61 %. h is that times patch · √channels.
        case levels(Double)
        /// So that these positions attend to such a share of all: the geometric mean, over them, of
        /// (Σ_j w_ij)² / Σ_j w_ij², the number of positions that a map is spread over.
        case share(Double, from: [GridPosition])
    }

    /// The comparison of patches.
    public let block: NonLocalBlock
    /// What it sees, `[1, components + 2 + patch² · channels, positions…]`.
    public let x: Tensor<Float>
    /// As ``Bandwidth/levels(_:)`` has it.
    public let bandwidth: Double
}

extension NonLocalMeans {
    /// Makes the comparison of patches of a picture or a clip. What ``strength`` and ``sigma`` say is left aside.
    ///
    /// - Parameters:
    ///   - clip: `[channels, height, width]` or `[channels, frames, height, width]` in grey levels.
    ///   - bandwidth: how far patches may be apart.
    ///   - scope: of a clip: whether all frames are compared, each by itself, or each pixel through time.
    /// - Throws: ``NonLocalError/Code/shape`` if the clip has another number of dimensions or is empty,
    ///   ``NonLocalError/Code/configuration`` for options out of range, ``NonLocalError/Code/nonFinite``,
    ///   ``NonLocalError/Code/memory``.
    public func comparison(
        of clip: Tensor<Float>, bandwidth: PatchComparison.Bandwidth, scope: Scope = .spacetime
    ) throws -> PatchComparison {
        try check(clip, scope)
        let patches = Patches(side: patch, shape: clip.shape)
        let values = try patches.extracted(from: clip)
        let features = features(of: values)
        let levels: Double
        switch bandwidth {
        case .levels(let given): levels = given
        case .share(let share, let queries):
            let grid = Grid(t: patches.frames, h: patches.height, w: patches.width)
            guard share > 0, share < 1, !queries.isEmpty, queries.allSatisfy(grid.contains) else {
                throw NonLocalError(
                    .configuration, "a bandwidth for a share of \(share) from \(queries.count) positions",
                    advice: "The share is between 0 and 1, and the positions inside of the picture.")
            }
            levels =
                Self.bandwidth(features, from: queries.map(grid.flat), share: share)
                / Double(patches.values).squareRoot()
        }
        guard levels > 0, levels.isFinite else {
            throw NonLocalError(
                .configuration, "a bandwidth of \(levels) grey levels", advice: "It has to be positive.")
        }
        let (theta, phi) = try embedding(
            features, positions: values.shape.dropFirst(),
            bandwidth: levels * Double(patches.values).squareRoot())
        let (width, entries) = (theta.shape[1], values.shape[0])
        // θ is (f / h, 1); φ has −‖f / h‖² / 2 in the place of the 1, which stands behind θ in x.
        let positions = values.count / entries
        let channels = width + 1 + entries
        let x = try Tensor<Float>(shape: [1, channels] + values.shape.dropFirst()) { target in
            for (place, source) in [(0, theta), (width, phi), (width + 1, values)] {
                source.withUnsafeBufferPointer { source in
                    let last = place == width ? source[((width - 1) * positions)...] : source[...]
                    _ = target[(place * positions)...].initialize(from: last)
                }
            }
        }
        func picking(_ rows: Int, _ column: (Int) -> Int) throws -> BlockWeights.Projection {
            var weight = try Tensor<Float>(repeating: 0, shape: [rows, channels])
            try weight.withUnsafeMutableBufferPointer { weight in
                for row in 0..<rows { weight[row * channels + column(row)] = 1 }
            }
            return .init(weight: weight)
        }
        let g = try picking(entries) { width + 1 + $0 }
        let weights = BlockWeights(
            theta: try picking(width) { $0 }, phi: try picking(width) { $0 == width - 1 ? width : $0 }, g: g,
            output: .init(weight: try g.weight.reversingDimensions()))
        let block = try NonLocalBlock(
            .init(
                channels: channels, innerChannels: width, valueChannels: entries, scope: scope,
                ownWeight: ownWeight, residual: false),
            weights: weights)
        return PatchComparison(block: block, x: x, bandwidth: levels)
    }
}
