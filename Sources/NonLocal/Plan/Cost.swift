/// What a step costs, counted from the formulas: a multiply-add is two operations; bytes are those of the
/// tensors it reads and writes once each.
struct Cost: Sendable, Hashable {
    var operations: Double
    var bytes: Double

    static func product(_ rows: Int, _ inner: Int, _ columns: Int, batch: Int) -> Cost {
        let (m, k, n, b) = (Double(rows), Double(inner), Double(columns), Double(batch))
        return Cost(operations: 2 * m * k * n * b, bytes: 4 * b * (m * k + k * n + m * n))
    }

    static func elementwise(_ elements: Int, operations: Double) -> Cost {
        Cost(operations: Double(elements) * operations, bytes: 8 * Double(elements))
    }
}

extension BlockProblem {
    /// The steps of the formulas, in order, with their cost over the whole batch.
    var steps: [(name: String, cost: Cost)] {
        guard !isIdentity else { return [("copy", .elementwise(geometry.batch * geometry.channels * rows, operations: 0))] }
        let batch = geometry.batch
        let (channels, values) = (geometry.channels, configuration.valueChannels)
        let (positions, keys) = (geometry.grid.count, geometry.keys.count)
        var steps: [(name: String, cost: Cost)] = []
        func pool(_ channels: Int) {
            guard geometry.window != nil else { return }
            steps.append(("max_pool", .elementwise(batch * channels * positions, operations: 1)))
        }
        if normGroups > 0 {
            steps.append(("group_norm", .elementwise(batch * channels * positions, operations: 6)))
        }
        if isSubset { steps.append(("gather", .elementwise(batch * channels * rows, operations: 0))) }
        if configuration.subsample == .poolFirst { pool(channels) }
        if projectsAffinity {
            steps.append(("projection θ", .product(width, channels, rows, batch: batch)))
            steps.append(("projection φ", .product(width, channels, projectedPositions, batch: batch)))
        }
        steps.append(("projection g", .product(values, channels, projectedPositions, batch: batch)))
        if configuration.subsample == .convFirst { pool(width + values) }
        if score == .outerSum {
            steps.append(("projection w_f", .product(1, width, rows + keyPositions, batch: batch)))
            steps.append(("affinity", .elementwise(batch * rows * keys, operations: 1)))
        } else {
            steps.append(("affinity", .product(rows, width, keys, batch: batch)))
        }
        steps.append(("normalize", .elementwise(batch * rows * keys, operations: 2)))
        steps.append(("aggregate", .product(values, keys, rows, batch: batch)))
        steps.append(("projection W_z", .product(channels, values, rows, batch: batch)))
        return steps
    }

    /// Operations of the formulas' matrix products, by which speeds are stated.
    var textbookOperations: Double {
        steps.filter { $0.name.hasPrefix("projection") || ["affinity", "aggregate"].contains($0.name) }
            .reduce(0) { $0 + $1.cost.operations }
    }
}
