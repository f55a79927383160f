/// One number of φ or g as a device pooled it, and what it should be.
struct PooledEntry: Sendable {
    /// φ or g.
    let stage: Mismatch.Stage
    let key: Int
    let channel: Int
    let expected: Double
    let actual: Double
    /// Σ_c |w_c x_c|, what the sum's rounding grows with.
    let magnitude: Double
}

/// Where φ and g are pooled behind their projections, stage by stage.
extension RowChecker {
    /// Keys, and channels of each, that are compared.
    private static let keys = 4, channels = 16

    /// Some numbers of φ and g, as a device pooled them, and the largest of their projections.
    ///
    /// Those of the first and the last key and of random ones, in the first, the last and random channels.
    ///
    /// - Parameters:
    ///   - pooled: φ and g of an item.
    ///   - seed: another one has other numbers chosen.
    func entries(
        of pooled: (phi: Field, g: Field), _ x: Tensor<Float>, item: Int, seed: [Int]
    ) -> [PooledEntry] {
        var generator = SplitMix64(
            seed: seed.reduce(UInt64(item)) { $0 &* 31 &+ UInt64(truncatingIfNeeded: $1) })
        func some(_ count: Int, of all: Int) -> [Int] {
            var chosen: Set = [0, all - 1]
            while chosen.count < min(count, all) { chosen.insert(Int.random(in: 0..<all, using: &generator)) }
            return chosen.sorted()
        }
        let regions = KeyRegions(reference.geometry)
        let keys = some(Self.keys, of: pooled.g.positions)
        let places = keys.map(regions.positions(of:))
        let columns = vectors(of: x, item: item, at: places.flatMap { $0 })
        var entries: [PooledEntry] = []
        var first = 0
        for (key, places) in zip(keys, places) {
            for (stage, field, map) in [
                (Mismatch.Stage.pooledPhi, pooled.phi, reference.weights.phi),
                (.pooledG, pooled.g, reference.weights.g),
            ] {
                for channel in some(Self.channels, of: field.channels) {
                    let (expected, magnitude) = largest(
                        of: map, channel, columns, first..<first + places.count)
                    entries.append(
                        PooledEntry(
                            stage: stage, key: key, channel: channel, expected: expected,
                            actual: field[channel, key], magnitude: magnitude))
                }
            }
            first += places.count
        }
        return entries
    }

    /// z of some flat positions of an item, φ and g being given.
    func rows(
        _ x: Tensor<Float>, item: Int, queries: [Int], _ pooled: (phi: Field, g: Field)
    ) -> ReferenceRows {
        let (configuration, geometry, weights) = (
            reference.configuration, reference.geometry, reference.weights
        )
        let theta = vectors(of: x, item: item, at: queries).mapped(by: weights.theta)
        let operation = ReferenceOperation(
            formulation: configuration.pairwise.formulation,
            scale: configuration.scale.value(width: weights.theta?.outputs ?? geometry.channels),
            ownWeight: configuration.ownWeight,
            theta: theta.mapped(by: weights.scoreTheta).columns,
            phi: ReferenceStages.project(pooled.phi, by: weights.scorePhi), g: pooled.g,
            queries: geometry.queries, keys: geometry.keys)
        let input = Field(
            x, item: item, layout: geometry.layout, channels: geometry.channels, positions: queries)
        return reference.rows(Array(queries.indices), of: input, y: operation.results(at: queries))
    }

    /// max_n w·x_n + b, and the largest Σ_c |w_c x_nc| + |b|.
    private func largest(
        of map: Linear?, _ channel: Int, _ columns: [[Double]], _ range: Range<Int>
    ) -> (value: Double, magnitude: Double) {
        var (value, magnitude) = (-Double.infinity, 0.0)
        for n in range {
            var (sum, absolute) = (0.0, 0.0)
            if let map {
                (sum, absolute) = (map.bias[channel], map.bias[channel].magnitude)
                for c in 0..<map.inputs {
                    let product = map.weight[channel * map.inputs + c] * columns[n][c]
                    sum += product
                    absolute += product.magnitude
                }
            } else {
                (sum, absolute) = (columns[n][channel], columns[n][channel].magnitude)
            }
            if sum > value || sum.isNaN { value = sum }
            magnitude = max(magnitude, absolute)
        }
        return (value, magnitude)
    }
}
