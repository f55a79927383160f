import Foundation

/// The non-local operation on one batch item, as section 3 of the paper has it:
///
///     y_i = (1 / C(x)) Σ_j f(x_i, x_j) g(x_j)
///
/// The accelerated backends are checked against it, so it does nothing but follow the formulas, in Double.
struct ReferenceOperation: Sendable {
    let formulation: Formulation
    /// s, by which a score is multiplied before its weight is taken.
    let scale: Double
    let ownWeight: OwnWeight
    /// θ `[d, N]`, or a `[1, N]` for the outer sum.
    let theta: Field
    /// φ `[d, M]`, or b `[1, M]` for the outer sum.
    let phi: Field
    /// g `[d_v, M]`
    let g: Field
    let queries: PositionGroups
    let keys: PositionGroups

    /// f(x_i, x_j) / C(x) for every key j of i's group, in order, and how large the numbers were.
    ///
    /// - Parameters:
    ///   - column: where θ_i stands in `theta`.
    ///   - position: i, which determines the group.
    func weights(column: Int, position: Int) -> (weights: [Double], magnitudes: ReferenceRows.Magnitudes) {
        let place = queries.place(of: position)
        let affinities = scores(column: column, group: place.group).map { scale * $0 }
        var weights =
            formulation.weight == .score ? affinities : affinities.map(formulation.weight.evaluate(at:))

        switch ownWeight {
        case .include: break
        case .exclude: weights[place.index] = -.infinity
        case .strongest:
            let others = weights.indices.lazy.filter { $0 != place.index }.map { weights[$0] }
            weights[place.index] = others.max() ?? -.infinity
        }

        switch formulation.normalizer {
        case .softmax:
            let maximum = weights.max() ?? 0
            weights = weights.map { exp($0 - maximum) }
            let sum = weights.reduce(0, +)
            weights = weights.map { $0 / sum }
        case .sum:
            let sum = weights.reduce(0, +)
            weights = weights.map { $0 / sum }
        case .count: weights = weights.map { $0 / Double(keys.count) }
        case .none: break
        }
        return (
            weights,
            .init(
                largestAffinity: affinities.reduce(0) { max($0, $1.magnitude) },
                weightSum: weights.reduce(0) { $0 + $1.magnitude })
        )
    }

    /// y_i, `[d_v]`, and how large the numbers behind it were.
    func result(column: Int, position: Int) -> (y: [Double], magnitudes: ReferenceRows.Magnitudes) {
        let (weights, magnitudes) = weights(column: column, position: position)
        let group = queries.place(of: position).group
        let y = (0..<g.channels).map { c in
            Sums.dot(weights, g.values, at: g.places(ofChannel: c, keys, group: group))
        }
        return (y, magnitudes)
    }

    /// s_ij before scaling, for every key of a group.
    private func scores(column: Int, group: Int) -> [Double] {
        var scores = [Double](repeating: 0, count: keys.count)
        for c in 0..<theta.channels {
            let query = theta[c, column]
            let key = phi.places(ofChannel: c, keys, group: group)
            switch formulation.score {
            case .dotProduct: Sums.add(query, times: phi.values, at: key, to: &scores)
            case .negativeSquaredDistance:
                Sums.subtractSquares(of: query, minus: phi.values, at: key, from: &scores)
            case .outerSum:
                for j in 0..<keys.count { scores[j] += query + phi.values[key.first + j * key.stride] }
            }
        }
        return scores
    }
}
