/// What the projections see of x.
extension RowChecker {
    /// x̂_c = slope_c (x_c − mean_c) + shift_c
    typealias NormMap = (slope: [Double], mean: [Double], shift: [Double])

    /// Calls `body` with x at the keys of an item, pooled if that comes before the projections.
    func withKeys<Value>(_ x: Tensor<Float>, _ item: Int, _ body: (KeyTable) -> Value) -> Value {
        let geometry = reference.geometry
        let (channels, positions) = (geometry.channels, geometry.grid.count)
        let isFirst = geometry.layout == .channelsFirst
        return withItem(x, item) { values in
            let table = KeyTable(
                channels: channels, values: values, channelStride: isFirst ? positions : 1,
                positionStride: isFirst ? 1 : channels, norm: normMap(values))
            guard reference.configuration.subsample == .poolFirst, let window = geometry.window else {
                return body(table)
            }
            return pooled(table, over: window.extents(of: geometry.grid)).withUnsafeBufferPointer { pooled in
                body(
                    KeyTable(
                        channels: channels, values: pooled, channelStride: geometry.keyGrid.count,
                        positionStride: 1, norm: table.norm))
            }
        }
    }

    /// What the projections see at some positions of an item, one vector a position.
    func vectors(of x: Tensor<Float>, item: Int, at positions: [Int]) -> [[Double]] {
        vectors(of: x, item: item, at: positions, withItem(x, item, normMap))
    }

    /// The same, where the norm is known.
    func vectors(of x: Tensor<Float>, item: Int, at positions: [Int], _ norm: NormMap?) -> [[Double]] {
        let columns = Field(
            x, item: item, layout: reference.geometry.layout, channels: reference.geometry.channels,
            positions: positions)
        return positions.indices.map { index in
            (0..<columns.channels).map { channel in
                let value = columns[channel, index]
                return norm.map { $0.slope[channel] * (value - $0.mean[channel]) + $0.shift[channel] }
                    ?? value
            }
        }
    }

    private func withItem<Value>(
        _ x: Tensor<Float>, _ item: Int, _ body: (UnsafeBufferPointer<Float>) -> Value
    ) -> Value {
        let size = reference.geometry.channels * reference.geometry.grid.count
        return x.withUnsafeBufferPointer {
            body(UnsafeBufferPointer(rebasing: $0[item * size..<(item + 1) * size]))
        }
    }

    /// What the group norm makes of each channel of an item, or none without one.
    private func normMap(_ item: UnsafeBufferPointer<Float>) -> NormMap? {
        guard let norm = reference.weights.groupNorm else { return nil }
        let (geometry, scale, shift) = (reference.geometry, norm.scale.elements, norm.shift.elements)
        let (channels, positions) = (geometry.channels, geometry.grid.count)
        let isFirst = geometry.layout == .channelsFirst
        let (channelStride, positionStride) = isFirst ? (positions, 1) : (1, channels)
        nonisolated(unsafe) let item = item
        /// Σ (x − mean)ᵖ of each channel.
        func sums(_ means: [Double], squared: Bool) -> [Double] {
            parallelRows(channels, width: 1, work: channels * positions) { channel, sum in
                let mean = means[channel]
                var (total, index) = (0.0, channel * channelStride)
                for _ in 0..<positions {
                    let difference = Double(item[index]) - mean
                    total += squared ? difference * difference : difference
                    index += positionStride
                }
                sum[0] = total
            }
        }
        let size = channels / norm.groups
        func means(_ sums: [Double]) -> [Double] {
            (0..<channels).map { channel in
                let first = channel / size * size
                return sums[first..<first + size].reduce(0, +) / Double(size * positions)
            }
        }
        let mean = means(sums(Array(repeating: 0, count: channels), squared: false))
        let variance = means(sums(mean, squared: true))
        let slope = (0..<channels).map {
            Double(scale[$0]) / (variance[$0] + norm.epsilon).squareRoot()
        }
        return (slope, mean, shift.map(Double.init))
    }

    /// x of an item, `[channels, keys]`, such that what the norm makes of it is the maximum of each window: the
    /// smallest x where the norm turns the sign.
    private func pooled(_ table: KeyTable, over pooling: (grid: [Int], window: [Int])) -> [Float] {
        let (grid, window) = (pooling.grid, pooling.window)
        let keyGrid = zip(grid, window).map { $0 / $1 }
        let keys = keyGrid.reduce(1, *)
        /// Where the position (t, h, w) stands in a channel.
        @Sendable func place(_ t: Int, _ h: Int, _ w: Int) -> Int {
            ((t * grid[1] + h) * grid[2] + w) * table.positionStride
        }
        let offsets = (0..<window[0]).flatMap { t in
            (0..<window[1]).flatMap { h in (0..<window[2]).map { w in place(t, h, w) } }
        }
        return [Float](unsafeUninitializedCapacity: table.channels * keys) { pooled, count in
            count = table.channels * keys
            guard let target = pooled.baseAddress, let source = table.values.baseAddress else { return }
            nonisolated(unsafe) let (memory, values) = (target, source)
            inParallel(table.channels, work: table.channels * reference.geometry.grid.count) { channel in
                let sign: Float = (table.norm?.slope[channel] ?? 1) < 0 ? -1 : 1
                let x = values + channel * table.channelStride
                var to = memory + channel * keys
                for t in 0..<keyGrid[0] {
                    for h in 0..<keyGrid[1] {
                        var from = x + place(t * window[0], h * window[1], 0)
                        for _ in 0..<keyGrid[2] {
                            to.initialize(to: sign * Self.greatest(of: from, at: offsets, sign))
                            to += 1
                            from += window[2] * table.positionStride
                        }
                    }
                }
            }
        }
    }

    /// The greatest of `sign · x[offset]`, NaN if one is.
    ///
    /// There is no branch, which of random numbers nobody could predict.
    private static func greatest(
        of x: UnsafePointer<Float>, at offsets: [Int], _ sign: Float
    ) -> Float {
        var best = -Float.infinity
        for offset in offsets {
            let value = sign * x[offset]
            let greater = value > best ? value : best
            best = value != value ? value : greater
        }
        return best
    }
}
