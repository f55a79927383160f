/// The sizes of the bare operation's operands.
struct OperationShape: Sendable, Hashable {
    let theta: [Int]
    let phi: [Int]
    let g: [Int]

    var batch: Int { theta[0] }
    /// d
    var width: Int { theta[1] }
    /// d_v
    var valueChannels: Int { g[1] }
    /// N
    var rows: Int { theta[2...].reduce(1, *) }
    /// M
    var keys: Int { phi[2...].reduce(1, *) }
    var sizes: PairSizes { PairSizes(width: width, valueChannels: valueChannels) }
    /// The shape of y.
    var output: [Int] { [batch, valueChannels] + theta[2...] }
    let score: Pairwise.Score
    let ownWeight: OwnWeight

    /// - Throws: ``NonLocalError/Code/shape``, `.configuration` or `.weights` if the operands don't fit each
    ///   other or the operation.
    init(_ operation: NonLocalOperation, theta: [Int], phi: [Int], g: [Int]) throws(NonLocalError) {
        self.theta = theta
        self.phi = phi
        self.g = g
        score = operation.pairwise.formulation.score
        ownWeight = operation.ownWeight
        for (name, shape) in [("θ", theta), ("φ", phi), ("g", g)] {
            guard shape.count >= 3, shape.allSatisfy({ $0 > 0 }) else {
                throw NonLocalError(
                    .shape, "\(name) has the shape \(shape)",
                    advice: "It is [B, channels, positions…], each at least 1.")
            }
            try SizeLimits.check(
                name, batch: shape[0], channels: shape[1], positions: elementCount(of: Array(shape[2...])))
        }
        guard theta[0] == phi[0], theta[0] == g[0], theta[1] == phi[1], phi[2...] == g[2...] else {
            throw NonLocalError(
                .shape, "θ \(theta), φ \(phi) and g \(g) don't fit each other",
                advice: "θ and φ share the batch and d; φ and g share the batch and the positions.")
        }
        try SizeLimits.check("y", batch: batch, channels: valueChannels, positions: rows)
        try operation.pairwise.formulation.validate(scale: operation.scale, ownWeight: operation.ownWeight)
        guard operation.ownWeight == .include || (keys == rows && keys > 1) else {
            throw NonLocalError(
                .configuration,
                "own weight \(operation.ownWeight.rawValue) needs as many keys as queries, and two",
                advice: "There are \(rows) queries and \(keys) keys.")
        }
        guard score == .outerSum else { return }
        guard let weight = operation.pairwiseWeight, weight.weight.count == 2 * theta[1] else {
            throw NonLocalError(
                .weights, "the outer sum needs w_f with 2d = \(2 * theta[1]) entries",
                advice: "Give it as pairwiseWeight, the θ part first.")
        }
    }

    /// What a schedule has to find room for.
    ///
    /// - Parameter sharesHostMemory: whether the device works on the operands where they are.
    func workload(_ method: Method, sharesHostMemory: Bool) -> Workload {
        var elements: [BufferRole: Int] = [:]
        if !sharesHostMemory {
            elements = [
                .theta: width * rows, .phi: width * keys, .g: valueChannels * keys,
                .aggregate: valueChannels * rows,
            ]
        }
        if score == .outerSum {
            elements[.thetaScores] = rows
            elements[.phiScores] = keys
        }
        if method.tile == nil, method.strategy == .sorted {
            elements.merge(
                GroupTile.sortedElements(valueChannels: valueChannels, keys: keys, groups: 1)
            ) { $1 }
        } else if let stride = method.positionStride(channels: valueChannels) {
            elements[.sorted] = PanelTile.sortedElements(keys: keys, rows: rows)
            elements[.transposedG] = stride * keys
            elements[.transposedAggregate] = stride * rows
        }
        if let tile = method.groupTile, method.strategy == .reassociated {
            elements[.keyProduct] = valueChannels * width
            return Workload(
                method: method, batch: batch, groups: 1, rows: rows, keys: keys, elementsPerItem: elements,
                weightElements: 0, widest: max(width, valueChannels), scratchOfLaunch: { _ in 0 },
                sharesOfLaunch: { items in
                    tile.productShares(
                        ProductSize(rows: valueChannels, terms: keys, columns: width, groups: items)
                    ).shared
                })
        }
        if let tile = method.tile, method.strategy == .reassociated {
            elements[.keyProduct] = valueChannels * width
            elements[.packedProduct] = tile.packedByRows(valueChannels, width)
            return Workload(
                method: method, batch: batch, groups: 1, rows: rows, keys: keys, elementsPerItem: elements,
                weightElements: valueChannels, widest: max(width, valueChannels),
                scratchOfLaunch: { items in
                    max(
                        gramBlocks(tile, items: items).scratch,
                        tile.projectionBlocks(
                            inputs: width, outputs: valueChannels, positions: rows, items: items
                        ).scratch)
                }, sharesOfLaunch: { gramBlocks(tile, items: $0).shared })
        }
        if let tile = method.tile, method.strategy == .fused {
            elements[.packedPhi] = tile.packedByRows(keys, width)
            elements[.packedG] = tile.packedByKeys(valueChannels, keys)
            if method.skips {
                elements.merge(
                    tile.skippingElements(
                        width: width, valueChannels: valueChannels, rows: rows, keys: keys, groups: 1,
                        ownWeight: ownWeight)
                ) { $1 }
            }
        }
        if let warp = method.warp {
            elements.merge(
                warp.elements(
                    method.strategy, width: width, valueChannels: valueChannels, rows: rows, keys: keys,
                    groups: 1)
            ) { $1 }
            return Workload(
                method: method, batch: batch, groups: 1, rows: rows, keys: keys, elementsPerItem: elements,
                weightElements: 0, widest: max(width, valueChannels), scratchOfLaunch: { _ in 0 },
                sharesOfLaunch: {
                    warp.shared(
                        method.strategy, width: width, valueChannels: valueChannels, rows: rows, keys: keys,
                        groups: $0)
                })
        }
        if method.groupTile != nil {
            elements.merge(
                GroupTile.packedElements(
                    method.precision, width: width, valueChannels: valueChannels, rows: rows, keys: keys,
                    groups: 1)
            ) { $1 }
        }
        let sorted = elements[.sorted] ?? 0
        let attention: @Sendable (Int) -> PanelTile.AttentionBlocks? = { items in
            guard let tile = method.tile, method.strategy == .fused else { return nil }
            return tile.attentionBlocks(
                width: width, valueChannels: valueChannels, rows: rows, keys: keys, groups: items,
                ownWeight: ownWeight, skips: method.skips)
        }
        return Workload(
            method: method, batch: batch, groups: 1, rows: rows, keys: keys, elementsPerItem: elements,
            weightElements: score == .outerSum ? 2 * (method.tile?.packedByRows(1, width) ?? width) + 2 : 0,
            widest: max(width, valueChannels),
            scratchOfLaunch: { items in
                guard let tile = method.tile, score == .outerSum else {
                    return attention(items)?.scratch ?? items * sorted
                }
                let projections = [rows, keys].map {
                    tile.projectionBlocks(inputs: width, outputs: 1, positions: $0, items: items).scratch
                }
                return (projections + [items * sorted]).max() ?? 0
            },
            sharesOfLaunch: { items in
                guard let tile = method.groupTile, method.strategy == .fused else {
                    return attention(items)?.shared ?? 0
                }
                return tile.attentionShares(
                    valueChannels: valueChannels, rows: rows, keys: keys, groups: items
                ).shared
            })
    }

    /// The steps of the formulas, in order, with their cost over the whole batch.
    var steps: [CostedStep] { steps(of: .staged) }

    /// The steps of a strategy, in order: those of the formulas where it has none of its own.
    func steps(of strategy: Strategy) -> [CostedStep] {
        let pairs = Double(batch) * Double(rows) * Double(keys)
        let scores = CostedStep(
            "projection w_f", .product(1, width, rows + keys, batch: batch), isProduct: true)
        if strategy == .sorted {
            return [scores] + .sorted(values: valueChannels, rows: rows, keys: keys, batch: batch)
        }
        let affinity: [CostedStep] =
            score == .outerSum
            ? [
                scores,
                CostedStep("affinity", .elementwise(pairs, operations: 1), isProduct: true),
            ] : [CostedStep("affinity", .product(rows, width, keys, batch: batch), isProduct: true)]
        return affinity + [
            CostedStep("normalize", .elementwise(pairs, operations: 2), isProduct: false),
            CostedStep("aggregate", .product(valueChannels, keys, rows, batch: batch), isProduct: true),
        ]
    }
}
