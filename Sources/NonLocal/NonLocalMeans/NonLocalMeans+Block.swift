extension NonLocalMeans {
    /// The comparison of a picture's patches as a non-local block, to look at what resembles what:
    ///
    ///     let (block, x) = try NonLocalMeans(patch: 5).block(comparing: clip, bandwidth: 8)
    ///     let maps = try AttentionMaps(of: block, x, at: [.init(t: 0, h: 60, w: 100)])
    ///
    /// Position i of x holds the leading principal components f_i of its patch, over h, the numbers 1 and
    /// −‖f_i / h‖² / 2, and the patch p_i itself; the block's weights pick θ, φ and g out of them. So its
    /// affinity is exp(−‖f_i − f_j‖² / 2h²) with h² = bandwidth² · patch² · channels, y_i the mean of patches that non-local means takes, and z_i has
    /// y_i in the place of the patch and zero elsewhere.
    ///
    /// - Parameters:
    ///   - clip: `[channels, height, width]` or `[channels, frames, height, width]` in grey levels.
    ///   - bandwidth: in grey levels: where the pixels of two patches differ by so much in the root mean
    ///     square, along the components that are compared, the affinity has fallen to 61 %.
    ///   - scope: of a clip: whether all frames are compared, each by itself, or each pixel through time.
    /// - Returns: the block and its x, `[1, components + 2 + patch² · channels, positions…]`.
    /// - Throws: ``NonLocalError/Code/shape`` if the clip has another number of dimensions or is empty,
    ///   ``NonLocalError/Code/configuration`` for options out of range, ``NonLocalError/Code/nonFinite``,
    ///   ``NonLocalError/Code/memory``.
    public func block(
        comparing clip: Tensor<Float>, bandwidth: Double, scope: Scope = .spacetime
    ) throws -> (block: NonLocalBlock, x: Tensor<Float>) {
        try check(clip, scope)
        guard bandwidth > 0, bandwidth.isFinite else {
            throw NonLocalError(
                .configuration, "a bandwidth of \(bandwidth) grey levels", advice: "It has to be positive.")
        }
        let values = try Patches(side: patch, shape: clip.shape).extracted(from: clip)
        let (theta, phi) = try embedding(
            of: values, bandwidth: bandwidth * Double(values.shape[0]).squareRoot())
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
        return (block, x)
    }
}
