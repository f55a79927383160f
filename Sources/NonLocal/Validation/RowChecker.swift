/// Computes a few rows of z in Double without projecting all positions, to check a result with.
///
/// The products are taken in another order: with x̃ the keys' x and a row of ones below it,
///
///     s_ij = θ_iᵀ φ_j = ([W_φ b_φ]ᵀ θ_i)ᵀ x̃_j          Σ_j p_ij g_j = [W_g b_g] Σ_j p_ij x̃_j
///
/// so a row costs C·M products instead of d·M, and the d·C·M of φ and g are saved. Max pooling behind the
/// convolutions forbids that, and so does a distance: the plain reference then serves.
struct RowChecker: Sendable {
    let reference: ReferenceBlock
    /// `[W_φ b_φ]ᵀ`, from θ to what x̃ is compared with; none where x itself is compared.
    private let keyMap: Linear?
    /// From x to b of the outer sum.
    private let scoreMap: Linear?
    /// `[W_g b_g]`
    private let valueMap: Linear

    init(_ reference: ReferenceBlock) {
        self.reference = reference
        let weights = reference.weights
        valueMap = weights.g.onesAppended
        keyMap = weights.phi?.onesAppended.transposed
        scoreMap = weights.scorePhi.map { score in weights.phi.map(score.after) ?? score }
    }

    /// z for the given flat positions of one item, in the order that takes less.
    func rows(_ x: Tensor<Float>, item: Int, queries: [Int]) -> ReferenceRows {
        (isCheaper(queries.count) ? reassociatedRows(x, item: item, queries: queries) : nil)
            ?? reference.itemRows(x, item: item, queries: queries)
    }

    /// f / C(x) for the given flat positions of one item, `[n, M]`, in the order that takes less.
    func attention(_ x: Tensor<Float>, item: Int, queries: [Int]) -> ReferenceRows {
        let input = Field(
            x, item: item, layout: reference.geometry.layout, channels: reference.geometry.channels)
        let operation =
            (isCheaper(queries.count) ? reassociated(input, queries: queries) : nil)
            ?? reference.operation(on: input, queries: queries)
        return ReferenceRows(count: queries.count, channels: reference.geometry.keys.count) { row, weights in
            let (values, magnitudes) = operation.weights(column: row, position: queries[row])
            _ = weights.update(from: values)
            return magnitudes
        }
    }

    /// z for the given flat positions of one item without φ and g, or none where that can't be had.
    func reassociatedRows(_ x: Tensor<Float>, item: Int, queries: [Int]) -> ReferenceRows? {
        let input = Field(
            x, item: item, layout: reference.geometry.layout, channels: reference.geometry.channels)
        guard !reference.weights.isIdentity, let operation = reassociated(input, queries: queries) else {
            return nil
        }
        return reference.rows(queries, of: input) { row in
            let (sums, magnitudes) = operation.result(column: row, position: queries[row])
            let y = [Double](unsafeUninitializedCapacity: valueMap.outputs) { y, count in
                y.initialize(repeating: 0)
                valueMap.apply(to: sums, UnsafeMutableBufferPointer(rebasing: y[..<valueMap.outputs]))
                count = valueMap.outputs
            }
            return (y, magnitudes)
        }
    }

    /// Whether some rows take fewer products without φ and g at all positions.
    private func isCheaper(_ rows: Int) -> Bool {
        let geometry = reference.geometry
        let projections = (valueMap.outputs + (keyMap?.inputs ?? 0)) * geometry.grid.count
        return 2 * rows * geometry.keys.count < projections
    }

    /// The operation with x̃ in place of φ and g, or none where that can't be had.
    private func reassociated(_ input: Field, queries: [Int]) -> ReferenceOperation? {
        let (configuration, geometry, weights) = (
            reference.configuration, reference.geometry, reference.weights
        )
        let formulation = configuration.pairwise.formulation
        let poolsProjections = configuration.subsample == .convFirst && geometry.window != nil
        guard !poolsProjections, formulation.score != .negativeSquaredDistance else { return nil }
        let features = ReferenceStages.groupNorm(input, weights.groupNorm)
        var keys = features
        if configuration.subsample == .poolFirst {
            keys = ReferenceStages.maxPool(features, grid: geometry.grid, window: geometry.window)
        }
        let theta = ReferenceStages.project(features.gathered(queries), by: weights.theta)
        let values = keys.onesAppended
        let phi: Field
        if let scoreMap {
            phi = ReferenceStages.project(keys, by: scoreMap)
        } else {
            phi = keyMap == nil ? keys : values
        }
        return ReferenceOperation(
            formulation: formulation, scale: configuration.scale.value(width: theta.channels),
            ownWeight: configuration.ownWeight,
            theta: ReferenceStages.project(theta, by: scoreMap == nil ? keyMap : weights.scoreTheta),
            phi: phi,
            g: values, queries: geometry.queries, keys: geometry.keys)
    }
}

extension Field {
    /// The same with one more channel of ones.
    fileprivate var onesAppended: Field {
        var result = Field(channels: channels + 1, positions: positions)
        result.values = values + Array(repeating: 1, count: positions)
        return result
    }
}
