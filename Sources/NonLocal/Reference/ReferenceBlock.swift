/// The block on the CPU: z_i = W_z y_i + x_i (equation 6), in Double.
struct ReferenceBlock: Sendable {
    let configuration: NonLocalBlock.Configuration
    let weights: FoldedWeights
    let geometry: Geometry

    /// z of the given flat positions of each item, `[B, C, n]`, or of all of them in x's shape.
    ///
    /// - Parameter monitor: is told of some rows after the other, and may stop there.
    func output(
        _ x: Tensor<Float>, queries: [Int]? = nil, _ monitor: RunMonitor? = nil
    ) throws -> Tensor<Float> {
        let (items, channels) = (geometry.batch, geometry.channels)
        if weights.isIdentity, configuration.residual, queries == nil { return x }
        let positions = queries ?? Array(0..<geometry.grid.count)
        let rows = positions.count
        let isFirst = geometry.layout == .channelsFirst
        let shape = queries == nil ? x.shape : isFirst ? [items, channels, rows] : [items, rows, channels]
        return try Tensor(shape: shape) { z in
            for item in 0..<items {
                try forEachRows(x, item: item, positions, monitor) { first, values in
                    for row in values.magnitudes.indices {
                        for channel in 0..<channels {
                            let at =
                                isFirst ? channel * rows + first + row : (first + row) * channels + channel
                            z[item * channels * rows + at] = Float(values[row, channel])
                        }
                    }
                }
            }
        }
    }

    /// Rows between which a run that is followed may be stopped.
    private static let followedRows = 32

    /// Calls `body` with z for the positions of one item, all at once or some after the other.
    private func forEachRows(
        _ x: Tensor<Float>, item: Int, _ positions: [Int], _ monitor: RunMonitor?,
        _ body: (_ first: Int, ReferenceRows) throws -> Void
    ) throws {
        guard let monitor, !weights.isIdentity else {
            return try body(0, itemRows(x, item: item, queries: positions))
        }
        try monitor.check()
        let input = Field(x, item: item, layout: geometry.layout, channels: geometry.channels)
        let operation = operation(on: input, queries: positions)
        let problem = BlockProblem(configuration, geometry, weights, queries: positions.count)
        let ofRow = problem.steps.operations / Double(geometry.batch * positions.count)
        for first in stride(from: 0, to: positions.count, by: Self.followedRows) {
            let part = Array(positions[first..<min(first + Self.followedRows, positions.count)])
            try body(
                first,
                rows(part, of: input, y: operation.results(at: part, firstColumn: first)))
            monitor.advance(by: ofRow * Double(part.count))
            try monitor.check()
        }
    }

    /// z for the given flat positions of one item.
    func itemRows(_ x: Tensor<Float>, item: Int, queries: [Int]) -> ReferenceRows {
        let input = Field(x, item: item, layout: geometry.layout, channels: geometry.channels)
        let residual = configuration.residual
        let channels = geometry.channels
        guard !weights.isIdentity else {
            return ReferenceRows(count: queries.count, channels: channels) { row, z in
                for c in 0..<channels { z[c] = residual ? input[c, queries[row]] : 0 }
                return .init()
            }
        }
        let operation = operation(on: input, queries: queries)
        return rows(queries, of: input, y: operation.results(at: queries))
    }

    /// z of some positions, given y for each: W_z y + x.
    func rows(_ queries: [Int], of input: Field, y: ReferenceRows) -> ReferenceRows {
        let products = y.vectors.mapped(by: weights.output)
        return ReferenceRows(count: queries.count, channels: geometry.channels) { row, z in
            _ = z.update(from: products[row])
            if configuration.residual {
                for c in 0..<z.count { z[c] += input[c, queries[row]] }
            }
            return y.magnitudes[row]
        }
    }

    /// f / C(x) for the given flat positions of each item, `[B, n, M]`.
    ///
    /// - Parameter monitor: is told of some rows after the other, and may stop there.
    func attention(
        _ x: Tensor<Float>, queries: [Int]? = nil, _ monitor: RunMonitor? = nil
    ) throws -> Tensor<Double> {
        let queries = queries ?? Array(0..<geometry.grid.count)
        let keys = geometry.keys.count
        let part = monitor == nil ? queries.count : Self.followedRows
        let problem = BlockProblem(configuration, geometry, weights, queries: queries.count)
        let ofRow = problem.steps.ofAttention.operations / Double(geometry.batch * queries.count)
        return try Tensor(shape: [geometry.batch, queries.count, keys]) { map in
            for item in 0..<geometry.batch {
                let input = Field(x, item: item, layout: geometry.layout, channels: geometry.channels)
                let operation = operation(on: input, queries: queries)
                for first in stride(from: 0, to: queries.count, by: part) {
                    let count = min(part, queries.count - first)
                    let work = count * keys * operation.theta.channels
                    let rows = parallelRows(count, width: keys, work: work) { row, weights in
                        let (column, position) = (first + row, queries[first + row])
                        _ = weights.update(
                            from: operation.weights(column: column, position: position).weights)
                    }
                    _ = map[((item * queries.count + first) * keys)...].initialize(from: rows)
                    monitor?.advance(by: ofRow * Double(count))
                    try monitor?.check()
                }
            }
        }
    }

    /// θ for the queries, φ and g for all keys of an item.
    func operation(on input: Field, queries: [Int]) -> ReferenceOperation {
        let x = ReferenceStages.groupNorm(input, weights.groupNorm)
        var theta = ReferenceStages.project(x.gathered(queries), by: weights.theta)
        var phi = keys(of: x, by: weights.phi)
        let g = keys(of: x, by: weights.g)
        let width = theta.channels
        theta = ReferenceStages.project(theta, by: weights.scoreTheta)
        phi = ReferenceStages.project(phi, by: weights.scorePhi)
        return ReferenceOperation(
            formulation: configuration.pairwise.formulation, scale: configuration.scale.value(width: width),
            ownWeight: configuration.ownWeight, theta: theta, phi: phi, g: g, queries: geometry.queries,
            keys: geometry.keys)
    }

    /// g(x_j) of every key of an item, some channels after the others.
    ///
    /// - Parameter monitor: is told of them, and may stop there.
    func values(of input: Field, _ monitor: RunMonitor? = nil) throws -> Field {
        let x = ReferenceStages.groupNorm(input, weights.groupNorm)
        return try ReferenceStages.inParts(of: weights.g, monitor) { keys(of: x, by: $0) }
    }

    /// φ or g: projected and pooled in the configuration's order.
    private func keys(of x: Field, by map: Linear?) -> Field {
        func pool(_ field: Field) -> Field {
            ReferenceStages.maxPool(field, grid: geometry.grid, window: geometry.window)
        }
        return switch configuration.subsample {
        case .none, .convFirst: pool(ReferenceStages.project(x, by: map))
        case .poolFirst: ReferenceStages.project(pool(x), by: map)
        }
    }
}
