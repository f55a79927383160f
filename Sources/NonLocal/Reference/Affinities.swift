import Foundation

/// From the scores of a row to its weights, f(x_i, x_j) / C(x).
struct Affinities: Sendable {
    let formulation: Formulation
    /// s, by which a score is multiplied before its weight is taken.
    let scale: Double
    let ownWeight: OwnWeight

    /// The weights of a row, and how large the numbers were.
    ///
    /// - Parameters:
    ///   - scores: of every key, in order, before scaling.
    ///   - own: the key that the query is itself.
    func normalized(
        _ scores: [Double], own: Int
    ) -> (weights: [Double], magnitudes: ReferenceRows.Magnitudes) {
        let affinities = scores.map { scale * $0 }
        var weights =
            formulation.weight == .score ? affinities : affinities.map(formulation.weight.evaluate(at:))

        switch ownWeight {
        case .include: break
        case .exclude: weights[own] = -.infinity
        case .strongest:
            let others = weights.indices.lazy.filter { $0 != own }.map { weights[$0] }
            weights[own] = others.max() ?? -.infinity
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
        case .count: weights = weights.map { $0 / Double(scores.count) }
        case .none: break
        }
        return (
            weights,
            .init(
                largestAffinity: affinities.reduce(0) { max($0, $1.magnitude) },
                weightSum: weights.reduce(0) { $0 + $1.magnitude })
        )
    }
}
