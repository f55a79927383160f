/// The directions in which a set of vectors varies most: the leading eigenvectors of their covariance.
struct PrincipalComponents: Sendable {
    /// The mean of each of the vectors' entries.
    let mean: [Double]
    /// The variance along each direction, descending.
    let variances: [Double]
    /// The directions, of length 1 and at right angles to each other.
    let directions: [[Double]]

    /// The most vectors that a covariance is taken from: more change its directions by less than noise does.
    private static let largestSample = 1 << 16

    /// - Parameters:
    ///   - vectors: `[entries, …]`, one vector for each of the positions that follow. Of more than 65,536 an
    ///     evenly spread part is taken.
    ///   - count: how many directions are kept; all there are if there are fewer.
    init(of vectors: Tensor<Float>, count: Int) {
        let entries = vectors.shape[0]
        let positions = vectors.count / max(entries, 1)
        // Not a multiple of a picture's width, or whole columns would be left out.
        var step = (positions + Self.largestSample - 1) / Self.largestSample
        if step > 1, let width = vectors.shape.last, width % step == 0 { step += 1 }
        let sample = step > 1 ? (positions + step - 1) / step : positions
        var mean = [Double](repeating: 0, count: entries)
        var centred = [Double](repeating: 0, count: entries * sample)
        vectors.withUnsafeBufferPointer { elements in
            for entry in 0..<entries {
                var sum = 0.0
                for n in 0..<sample {
                    let value = Double(elements[entry * positions + n * step])
                    centred[entry * sample + n] = value
                    sum += value
                }
                mean[entry] = sum / Double(max(sample, 1))
                for n in 0..<sample { centred[entry * sample + n] -= mean[entry] }
            }
        }
        var covariance = [Double](repeating: 0, count: entries * entries)
        centred.withUnsafeBufferPointer { centred in
            guard let rows = centred.baseAddress, sample > 0 else { return }
            for first in 0..<entries {
                for second in 0...first {
                    let places = Sums.Places(first: second * sample, stride: 1, count: sample)
                    let value = Sums.dot(rows + first * sample, rows, at: places) / Double(sample)
                    covariance[first * entries + second] = value
                    covariance[second * entries + first] = value
                }
            }
        }
        let system = SymmetricEigensystem(covariance, size: entries)
        self.mean = mean
        variances = Array(system.values.prefix(count))
        directions = Array(system.vectors.prefix(count))
    }

    /// The coordinates of vectors along the directions, counted from the mean:
    /// f_k = Σ_e direction_k[e] · (v[e] − mean[e]).
    ///
    /// - Returns: one row of all positions for each direction.
    func projected(_ vectors: Tensor<Float>) -> [[Double]] {
        let positions = vectors.count / max(mean.count, 1)
        var rows = directions.map { _ in [Double](repeating: 0, count: positions) }
        var centred = [Double](repeating: 0, count: positions)
        let places = Sums.Places(first: 0, stride: 1, count: positions)
        vectors.withUnsafeBufferPointer { elements in
            for (entry, mean) in mean.enumerated() {
                for n in 0..<positions { centred[n] = Double(elements[entry * positions + n]) - mean }
                for (row, direction) in directions.enumerated() {
                    Sums.add(direction[entry], times: centred, at: places, to: &rows[row])
                }
            }
        }
        return rows
    }
}
