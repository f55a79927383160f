import Dispatch

/// x at the keys of an item: float32 where it lies, and what a group norm in front makes of each channel of it,
/// x̂_c = slope_c (x_c − mean_c) + shift_c.
///
/// Valid as long as the memory it points into.
struct KeyTable: @unchecked Sendable {
    let channels: Int
    let values: UnsafeBufferPointer<Float>
    let channelStride: Int
    let positionStride: Int
    /// None where there is no group norm.
    let norm: RowChecker.NormMap?

    /// Some of the keys, side by side or not.
    struct Keys: Sendable {
        let first: Int
        let stride: Int
        let count: Int
    }

    /// Σ_c u_c x̂_jc for each of the keys and rows u, `[rows][keys]`.
    ///
    /// - Parameter rows: `[rows][channels]`
    func products(with rows: [[Double]], at keys: Keys) -> [[Double]] {
        let factors = rows.map { row in norm.map { norm in zip(row, norm.slope).map { $0 * $1 } } ?? row }
        let constants = rows.map { row in
            norm.map { norm in zip(row, norm.shift).reduce(0) { $0 + $1.0 * $1.1 } } ?? 0
        }
        let count = keys.count
        // A part's sums stay in the first-level cache, and so do its positions where their channels lie side by side.
        let size = positionStride == 1 ? 256 : 16
        let parts = (count + size - 1) / size
        var sums = [Double](repeating: 0, count: rows.count * count)
        sums.withUnsafeMutableBufferPointer { sums in
            guard let base = sums.baseAddress, let x = values.baseAddress else { return }
            nonisolated(unsafe) let (memory, values) = (base, x)
            DispatchQueue.concurrentPerform(iterations: parts) { part in
                let first = part * size
                let positions = Sums.Places(
                    first: (keys.first + first * keys.stride) * positionStride,
                    stride: keys.stride * positionStride, count: min(size, count - first))
                for channel in 0..<channels {
                    let (x, mean) = (values + channel * channelStride, norm?.mean[channel] ?? 0)
                    var row = 0
                    while row + 4 <= factors.count {
                        Sums.add(
                            (
                                factors[row][channel], factors[row + 1][channel], factors[row + 2][channel],
                                factors[row + 3][channel]
                            ), times: x, minus: mean, at: positions,
                            to: memory + row * count + first, rowStride: count)
                        row += 4
                    }
                    while row < factors.count {
                        Sums.add(
                            factors[row][channel], times: x, minus: mean, at: positions,
                            to: memory + row * count + first)
                        row += 1
                    }
                }
            }
        }
        return rows.indices.map { row in sums[row * count..<(row + 1) * count].map { $0 + constants[row] } }
    }

    /// Σ_j w_j x̂_jc for each channel and rows w, `[rows][channels]`.
    ///
    /// - Parameter rows: `[rows][keys]`
    func sums(weightedBy rows: [[Double]], at keys: Keys) -> [[Double]] {
        let positions = Sums.Places(
            first: keys.first * positionStride, stride: keys.stride * positionStride, count: keys.count)
        let table = parallelRows(channels, width: rows.count) { channel, sums in
            guard let values = values.baseAddress else { return }
            let (x, mean) = (values + channel * channelStride, norm?.mean[channel] ?? 0)
            for (row, weights) in rows.enumerated() {
                sums[row] = Sums.dot(weights, x, minus: mean, at: positions)
            }
        }
        let totals = rows.map { $0.reduce(0, +) }
        return rows.indices.map { row in
            (0..<channels).map { channel in
                let sum = table[channel * rows.count + row]
                return norm.map { $0.slope[channel] * sum + $0.shift[channel] * totals[row] } ?? sum
            }
        }
    }
}

extension Sums {
    /// `sums[r · rowStride + n] += factor_r · (x[n] − mean)` for four r.
    fileprivate static func add(
        _ factors: (Double, Double, Double, Double), times x: UnsafePointer<Float>, minus mean: Double,
        at places: Places,
        to sums: UnsafeMutablePointer<Double>, rowStride: Int
    ) {
        let (x, stride, count) = (x + places.first, places.stride, places.count)
        let (sums1, sums2, sums3) = (sums + rowStride, sums + 2 * rowStride, sums + 3 * rowStride)
        var n = 0
        if stride == 1 {
            while n < count {
                let value = (Double(x[n]) - mean)
                sums[n] += factors.0 * value
                sums1[n] += factors.1 * value
                sums2[n] += factors.2 * value
                sums3[n] += factors.3 * value
                n += 1
            }
        }
        while n < count {
            let value = (Double(x[n * stride]) - mean)
            sums[n] += factors.0 * value
            sums1[n] += factors.1 * value
            sums2[n] += factors.2 * value
            sums3[n] += factors.3 * value
            n += 1
        }
    }

    /// `sums[n] += factor · (x[n] − mean)`
    fileprivate static func add(
        _ factor: Double, times x: UnsafePointer<Float>, minus mean: Double, at places: Places,
        to sums: UnsafeMutablePointer<Double>
    ) {
        let (x, stride, count) = (x + places.first, places.stride, places.count)
        var n = 0
        while n < count {
            sums[n] += factor * (Double(x[n * stride]) - mean)
            n += 1
        }
    }

    /// `Σ_n a[n] · (x[n] − mean)`, in four partial sums.
    fileprivate static func dot(
        _ a: UnsafePointer<Double>, _ x: UnsafePointer<Float>, minus mean: Double, at places: Places
    ) -> Double {
        let (x, stride, count) = (x + places.first, places.stride, places.count)
        var (sum0, sum1, sum2, sum3) = (0.0, 0.0, 0.0, 0.0)
        var n = 0
        if stride == 1 {
            while n + 4 <= count {
                sum0 += a[n] * (Double(x[n]) - mean)
                sum1 += a[n + 1] * (Double(x[n + 1]) - mean)
                sum2 += a[n + 2] * (Double(x[n + 2]) - mean)
                sum3 += a[n + 3] * (Double(x[n + 3]) - mean)
                n += 4
            }
        }
        while n < count {
            sum0 += a[n] * (Double(x[n * stride]) - mean)
            n += 1
        }
        return (sum0 + sum1) + (sum2 + sum3)
    }
}
