import Foundation

extension NonLocalMeans {
    /// Keys that a bandwidth is found with at most.
    private static let largestSample = 1 << 15

    /// h such that exp(−‖f_i − f_j‖² / 2h²) spreads over a share of the keys: see
    /// ``PatchComparison/Bandwidth/share(_:from:)``. By bisection, to a thousandth.
    ///
    /// - Parameters:
    ///   - features: a row of all positions for each.
    ///   - queries: flat positions.
    static func bandwidth(_ features: [[Double]], from queries: [Int], share: Double) -> Double {
        let positions = features.first?.count ?? 0
        let step = (positions + largestSample - 1) / largestSample
        let sample = Array(stride(from: 0, to: positions, by: max(step, 1)))
        let squares = queries.map { query in
            sample.map { key in
                features.reduce(0) { $0 + ($1[query] - $1[key]) * ($1[query] - $1[key]) }
            }
        }
        let largest = squares.reduce(0) { max($0, $1.max() ?? 0) }.squareRoot()
        // A picture of one colour: any bandwidth gives equal weights.
        guard largest > 0 else { return 1 }
        /// The mean logarithm of the share at a bandwidth; it grows with it.
        func logShare(_ bandwidth: Double) -> Double {
            let factor = -1 / (2 * bandwidth * bandwidth)
            return squares.reduce(0) { total, squares in
                // Relative to the nearest, which a sample may not hold.
                let nearest = squares.min() ?? 0
                var (sum, sumOfSquares) = (0.0, 0.0)
                for square in squares {
                    let weight = exp(factor * (square - nearest))
                    sum += weight
                    sumOfSquares += weight * weight
                }
                return total + log(sum * sum / sumOfSquares / Double(squares.count))
            } / Double(squares.count)
        }
        var (low, high) = (largest * 1e-4, largest * 100)
        while high / low > 1.001 {
            let middle = (low * high).squareRoot()
            if logShare(middle) < log(share) { low = middle } else { high = middle }
        }
        return (low * high).squareRoot()
    }
}
