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
        return Affinities(formulation: formulation, scale: scale, ownWeight: ownWeight)
            .normalized(scores(column: column, group: place.group), own: place.index)
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

    /// y of some positions, which are θ's columns from one on.
    func results(at positions: [Int], firstColumn: Int = 0) -> ReferenceRows {
        let work = positions.count * keys.count * (theta.channels + g.channels)
        return ReferenceRows(count: positions.count, channels: g.channels, work: work) { row, y in
            let (values, magnitudes) = result(column: firstColumn + row, position: positions[row])
            _ = y.update(from: values)
            return magnitudes
        }
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
