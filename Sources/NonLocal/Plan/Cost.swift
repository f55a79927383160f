/// What a step costs, counted from the formulas: a multiply-add is two operations; bytes are those of the
/// tensors it reads and writes, once each.
struct Cost: Sendable, Hashable {
    var operations: Double
    var bytes: Double

    /// `batch` products of a rows × inner and an inner × columns matrix.
    static func product(_ rows: Int, _ inner: Int, _ columns: Int, batch: Int) -> Cost {
        let (m, k, n, b) = (Double(rows), Double(inner), Double(columns), Double(batch))
        return Cost(operations: 2 * m * k * n * b, bytes: 4 * b * (m * k + k * n + m * n))
    }

    /// `operations` for each of `elements`, which are read and written.
    static func elementwise(_ elements: Double, operations: Double) -> Cost {
        Cost(operations: elements * operations, bytes: 8 * elements)
    }
}

/// A step of the formulas and what it costs over the whole batch.
struct CostedStep: Sendable, Hashable {
    let name: String
    let cost: Cost
    /// Whether its operations count in the speeds that are stated: those of products do, those of norms,
    /// pools and normalisers don't.
    let isProduct: Bool

    init(_ name: String, _ cost: Cost, isProduct: Bool) {
        self.name = name
        self.cost = cost
        self.isProduct = isProduct
    }
}

extension [CostedStep] {
    /// Operations of the products.
    var operations: Double { reduce(0) { $0 + ($1.isProduct ? $1.cost.operations : 0) } }

    /// The sorted strategy in place of affinity and aggregation: a key adds to two sums, one of them times a
    /// step of b, and a query takes one of them times a number, the other, and 1 / M.
    static func sorted(values: Int, rows: Int, keys: Int, batch: Int) -> [CostedStep] {
        let scores = Double(rows + keys) * Double(batch)
        let aggregate = Cost(
            operations: 3 * Double(values) * scores, bytes: (4 * Double(values) + 8) * scores)
        return [
            CostedStep("sort", Cost(operations: 0, bytes: 12 * scores), isProduct: false),
            CostedStep("sorted_aggregate", aggregate, isProduct: true),
        ]
    }

    /// Those that the attention takes, which needs neither the aggregate nor what follows it.
    var ofAttention: [CostedStep] { filter { !["aggregate", "projection W_z"].contains($0.name) } }

    /// Operations of the products that are done for each pair of positions.
    var pairOperations: Double { filter { ["affinity", "aggregate"].contains($0.name) }.operations }
}

extension BlockProblem {
    /// The steps of the formulas, in order.
    var steps: [CostedStep] { steps(of: .staged) }

    /// The steps of a method, in order.
    func steps(of method: Method) -> [CostedStep] {
        method.order.map(steps) ?? steps(of: method.strategy, absorbing: method.absorbed)
    }

    /// The steps of a strategy, in order: those of the formulas where it has none of its own.
    private func steps(of strategy: Strategy, absorbing absorbed: AbsorbedMaps = []) -> [CostedStep] {
        let batch = geometry.batch
        let (channels, values) = (geometry.channels, configuration.valueChannels)
        let (positions, keys) = (geometry.grid.count, geometry.keys.count)
        var steps: [CostedStep] = []
        func elementwise(_ name: String, _ channels: Int, _ positions: Int, operations: Double) {
            let elements = Double(batch) * Double(channels) * Double(positions)
            let cost = Cost.elementwise(elements, operations: operations)
            steps.append(CostedStep(name, cost, isProduct: false))
        }
        func product(_ name: String, _ rows: Int, _ inner: Int, _ columns: Int) {
            let cost = Cost.product(rows, inner, columns, batch: batch)
            steps.append(CostedStep(name, cost, isProduct: true))
        }
        let pairs = Double(batch) * Double(rows) * Double(keys)
        let pools = geometry.window != nil

        guard !isIdentity else {
            elementwise("copy", channels, rows, operations: 0)
            return steps
        }
        if normGroups > 0 { elementwise("group_norm", channels, positions, operations: 6) }
        if isSubset { elementwise("gather", channels, rows, operations: 0) }
        if pools, configuration.subsample == .poolFirst {
            elementwise("max_pool", channels, positions, operations: 1)
        }
        if projectsAffinity {
            let isOuterSum = score == .outerSum
            if !absorbed.contains(.theta) {
                product(
                    isOuterSum && !scoresTheta ? "projection a" : "projection θ", thetaWidth, channels, rows)
            }
            product(
                isOuterSum && !scoresPhi ? "projection b" : "projection φ", width, channels,
                projectedPositions)
        }
        product("projection g", values, channels, projectedPositions)
        if pools, configuration.subsample == .convFirst {
            elementwise("max_pool", width + values, positions, operations: 1)
        }
        if scoresTheta || scoresPhi {
            product(
                "projection w_f", 1, scoresTheta ? thetaWidth : width,
                (scoresTheta ? rows : 0) + (scoresPhi ? keyPositions : 0))
        }
        if absorbed.contains(.theta) { product("W_θᵀ φ", channels, width, keyPositions) }
        if absorbed.contains(.output) { product("W_z g", channels, values, keyPositions) }
        if strategy == .sorted {
            steps += .sorted(values: values, rows: rows, keys: keyPositions, batch: batch)
        } else {
            if score == .outerSum {
                steps.append(
                    CostedStep("affinity", .elementwise(pairs, operations: 1), isProduct: true))
            } else {
                product("affinity", rows, absorbed.contains(.theta) ? channels : width, keys)
            }
            elementwise("normalize", 1, rows * keys, operations: 2)
            product("aggregate", absorbed.contains(.output) ? channels : values, keys, rows)
        }
        if !absorbed.contains(.output) { product("projection W_z", channels, values, rows) }
        return steps
    }
}
