extension RowChecker {
    /// Compares rows of a result with the reference.
    ///
    /// - Parameters:
    ///   - z: `[B, C, …]`, or `[B, C, n]` for the n positions `queries`.
    ///   - chosen: for each item the rows of z, counted from 0, to look at.
    ///   - precision: what operands were kept in.
    ///   - copies: φ and g of items as the device pooled them, which the rows are then made of.
    func compare(
        _ z: Tensor<Float>, _ x: Tensor<Float>, queries: [Int]?, _ chosen: [(item: Int, rows: [Int])],
        precision: Precision = .float32, copies: PooledKeyCopies? = nil
    ) throws -> Comparison {
        let (configuration, geometry) = (reference.configuration, reference.geometry)
        let channels = geometry.channels
        let rowsOfItem = queries?.count ?? geometry.grid.count
        let positionsOfItem = geometry.grid.count
        // What is made of an item takes memory, most where all of it is projected.
        let isShort =
            chosen.allSatisfy { isCheaper($0.rows.count) }
            && (isReassociable || poolsProjections && copies != nil)
        let together = isShort ? 16 : 1
        var comparison = Comparison(
            isExponent: configuration.pairwise.formulation.isExponent,
            width: reference.weights.theta?.outputs ?? channels, keys: geometry.keys.count,
            precision: precision,
            largestBias: reference.weights.output.bias.reduce(0) { max($0, $1.magnitude) })
        for first in stride(from: 0, to: chosen.count, by: together) {
            let items = Array(chosen[first..<min(first + together, chosen.count)])
            let count = items.reduce(0) { $0 + $1.rows.count }
            let expected = try concurrently(items, work: work(count)) { item, rows throws in
                let positions = rows.map { queries?[$0] ?? $0 }
                if isCheaper(rows.count), let pooled = try copies?.keys(of: item) {
                    return (
                        rows: self.rows(x, item: item, queries: positions, pooled),
                        entries: entries(of: pooled, x, item: item, seed: rows)
                    )
                }
                return (rows: self.rows(x, item: item, queries: positions), entries: [])
            }
            for ((item, rows), expected) in zip(items, expected) {
                for entry in expected.entries { comparison.add(entry, item: item, terms: channels) }
                for (index, row) in rows.enumerated() {
                    let position = queries?[row] ?? row
                    comparison.add(
                        item: item, row: position, expected: expected.rows[index],
                        actual: z.channels(
                            ofItem: item, row, of: rowsOfItem, layout: geometry.layout, channels),
                        input: x.channels(
                            ofItem: item, position, of: positionsOfItem, layout: geometry.layout, channels),
                        magnitudes: expected.rows.magnitudes[index])
                }
            }
        }
        return comparison
    }

    /// Compares rows of an attention map with the reference; a mismatch's channel is then a key.
    ///
    /// - Parameters:
    ///   - map: `[B, n, M]` of the positions `queries`, or of all.
    ///   - chosen: for each item the rows of the map, counted from 0, to look at.
    func compare(
        attention map: Tensor<Float>, _ x: Tensor<Float>, queries: [Int]?,
        _ chosen: [(item: Int, rows: [Int])]
    ) -> Comparison {
        let keys = reference.geometry.keys.count
        var comparison = Comparison(
            isExponent: reference.configuration.pairwise.formulation.isExponent,
            width: reference.weights.theta?.outputs ?? reference.geometry.channels, keys: keys)
        let zeros = [Float](repeating: 0, count: keys)
        for (item, rows) in chosen {
            let positions = rows.map { queries?[$0] ?? $0 }
            let expected = attention(x, item: item, queries: positions)
            for (index, row) in rows.enumerated() {
                let first = (item * map.shape[1] + row) * keys
                comparison.add(
                    item: item, row: positions[index], expected: expected[index],
                    actual: map.withUnsafeBufferPointer { Array($0[first..<first + keys]) }, input: zeros,
                    magnitudes: expected.magnitudes[index])
            }
        }
        return comparison
    }
}

extension Tensor {
    /// The channels of one position of one item of `[B, C, positions]` or `[B, positions, C]`.
    fileprivate func channels(
        ofItem item: Int, _ position: Int, of positions: Int, layout: Layout, _ channels: Int
    ) -> [Element] {
        withUnsafeBufferPointer { elements in
            (0..<channels).map { channel in
                let inside =
                    layout == .channelsFirst ? channel * positions + position : position * channels + channel
                return elements[item * channels * positions + inside]
            }
        }
    }
}
