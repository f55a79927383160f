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
        let size = positionStride == 1 ? 64 : 16
        let parts = (count + size - 1) / size
        var sums = [Double](repeating: 0, count: rows.count * count)
        sums.withUnsafeMutableBufferPointer { sums in
            guard let base = sums.baseAddress, let x = values.baseAddress else { return }
            nonisolated(unsafe) let (memory, values) = (base, x)
            inParallel(parts, work: rows.count * channels * count) { part in
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
        let count = keys.count
        let products = SideBySide(rows, size: count).products(rows: channels) {
            first, second, vectors, sums in
            withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * count) { pair in
                guard let pair = pair.baseAddress else { return }
                copy(first, at: keys, to: pair)
                copy(second, at: keys, to: pair + count)
                Sums.dots(pair, rows: (0, count), with: vectors, count: count, into: sums)
            }
        }
        guard let norm else { return products }
        return zip(products, rows.map { $0.reduce(0, +) }).map { product, total in
            (0..<channels).map { norm.slope[$0] * product[$0] + norm.shift[$0] * total }
        }
    }

    /// x_jc − mean_c of a channel at each of the keys.
    private func copy(_ channel: Int, at keys: Keys, to target: UnsafeMutablePointer<Double>) {
        guard let values = values.baseAddress else { return }
        let x = values + channel * channelStride + keys.first * positionStride
        let (stride, mean) = (keys.stride * positionStride, norm?.mean[channel] ?? 0)
        var n = 0
        while n < keys.count {
            target[n] = Double(x[n &* stride]) - mean
            n &+= 1
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
}
