/// Computes a few rows of z in Double without projecting all positions, to check a result with.
///
/// The products are taken in another order: with x̃ the keys' x and a row of ones below it,
///
///     s_ij = θ_iᵀ φ_j = ([W_φ b_φ]ᵀ θ_i)ᵀ x̃_j          Σ_j p_ij g_j = [W_g b_g] Σ_j p_ij x̃_j
///
/// so a row costs C·M products instead of d·M, and the d·C·M of φ and g are saved. Max pooling behind the
/// convolutions forbids that: rows are then made of φ and g as the device pooled them, and some of their numbers are
/// compared by themselves (`RowChecker+Pooled.swift`). For a distance the plain reference serves.
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
        let keys = reference.geometry.keys.count
        if isCheaper(queries.count), isReassociable {
            return withKeys(x, item) { table in
                let rows = weights(of: queries, x, item, table)
                return ReferenceRows(count: queries.count, channels: keys) { row, weights in
                    _ = weights.update(from: rows[row].weights)
                    return rows[row].magnitudes
                }
            }
        }
        let input = Field(
            x, item: item, layout: reference.geometry.layout, channels: reference.geometry.channels)
        let operation = reference.operation(on: input, queries: queries)
        return ReferenceRows(
            count: queries.count, channels: keys, work: queries.count * keys * operation.theta.channels
        ) { row, weights in
            let (values, magnitudes) = operation.weights(column: row, position: queries[row])
            _ = weights.update(from: values)
            return magnitudes
        }
    }

    /// z for the given flat positions of one item without φ and g, or none where that can't be had.
    func reassociatedRows(_ x: Tensor<Float>, item: Int, queries: [Int]) -> ReferenceRows? {
        guard isReassociable else { return nil }
        // As many as a map is applied to at a time, on one thread from θ to z.
        let parts = stride(from: 0, to: queries.count, by: Sums.vectors).map { first in
            Array(queries[first..<min(first + Sums.vectors, queries.count)])
        }
        return withKeys(x, item) { table in
            ReferenceRows(
                joining: concurrently(parts, work: work(queries.count)) {
                    rows(x, item: item, queries: $0, table)
                })
        }
    }

    /// z for some flat positions of the item whose keys are given.
    private func rows(_ x: Tensor<Float>, item: Int, queries: [Int], _ table: KeyTable) -> ReferenceRows {
        let rows = weights(of: queries, x, item, table)
        var sums = [[Double]](repeating: [], count: queries.count)
        for (group, members) in byGroup(queries) {
            let weights = members.map { rows[$0].weights }
            let ofGroup = table.sums(weightedBy: weights, at: keys(of: group))
            for (index, row) in members.enumerated() {
                sums[row] = ofGroup[index] + [weights[index].reduce(0, +)]
            }
        }
        let geometry = reference.geometry
        let input = Field(
            x, item: item, layout: geometry.layout, channels: geometry.channels, positions: queries)
        let products = sums.mapped(by: valueMap)
        let y = ReferenceRows(count: queries.count, channels: valueMap.outputs) { row, y in
            _ = y.update(from: products[row])
            return rows[row].magnitudes
        }
        return reference.rows(Array(queries.indices), of: input, y: y)
    }

    /// Multiply-adds that some rows take without φ and g at all positions, or about as many where these are given.
    func work(_ rows: Int) -> Int {
        let (channels, keys) = (reference.geometry.channels, reference.geometry.keys.count)
        return 2 * rows * channels * (keys + valueMap.outputs + (keyMap?.inputs ?? 0))
    }

    /// Whether some rows take fewer products without φ and g at all positions.
    func isCheaper(_ rows: Int) -> Bool {
        let geometry = reference.geometry
        let projections = (valueMap.outputs + (keyMap?.inputs ?? 0)) * geometry.grid.count
        return 2 * rows * geometry.keys.count < projections
    }

    /// Whether φ and g can be done without.
    var isReassociable: Bool {
        !reference.weights.isIdentity && !poolsProjections
            && reference.configuration.pairwise.formulation.score != .negativeSquaredDistance
    }

    /// Whether φ and g are pooled behind their projections.
    var poolsProjections: Bool {
        reference.configuration.subsample == .convFirst && reference.geometry.window != nil
    }

    /// The weights of some rows and how large the numbers behind them were.
    private func weights(
        of queries: [Int], _ x: Tensor<Float>, _ item: Int, _ table: KeyTable
    ) -> [(weights: [Double], magnitudes: ReferenceRows.Magnitudes)] {
        let (configuration, geometry) = (reference.configuration, reference.geometry)
        let columns = vectors(of: x, item: item, at: queries, table.norm)
        let theta = columns.mapped(by: reference.weights.theta)
        let affinities = Affinities(
            formulation: configuration.pairwise.formulation,
            scale: configuration.scale.value(width: reference.weights.theta?.outputs ?? geometry.channels),
            ownWeight: configuration.ownWeight)
        // a_i of the outer sum, or [W_φ b_φ]ᵀ θ_i.
        let compared = theta.mapped(by: scoreMap == nil ? keyMap : reference.weights.scoreTheta)
        var result: [Int: (weights: [Double], magnitudes: ReferenceRows.Magnitudes)] = [:]
        for (group, members) in byGroup(queries) {
            let factors: [[Double]]
            if let scoreMap {
                factors = [scoreMap.weight]
            } else {
                factors = members.map { Array(compared[$0].prefix(geometry.channels)) }
            }
            let products = table.products(with: factors, at: keys(of: group))
            for (index, row) in members.enumerated() {
                let constant: Double
                if let scoreMap {
                    constant = compared[row][0] + scoreMap.bias[0]
                } else {
                    constant = keyMap == nil ? 0 : compared[row][geometry.channels]
                }
                let scores = products[scoreMap == nil ? index : 0].map { $0 + constant }
                result[row] = affinities.normalized(
                    scores, own: geometry.queries.place(of: queries[row]).index)
            }
        }
        return queries.indices.map { result[$0] ?? ([], .init()) }
    }

    /// The rows of each group among some.
    private func byGroup(_ queries: [Int]) -> [(group: Int, members: [Int])] {
        Dictionary(grouping: queries.indices) { reference.geometry.queries.place(of: queries[$0]).group }
            .map { ($0.key, $0.value) }
    }

    private func keys(of group: Int) -> KeyTable.Keys {
        let keys = reference.geometry.keys
        return KeyTable.Keys(
            first: group * keys.groupStride, stride: keys.positionStride, count: keys.count)
    }
}
