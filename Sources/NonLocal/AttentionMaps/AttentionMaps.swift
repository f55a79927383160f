/// What a few positions of a block attend to: the numbers behind an attention picture.
///
///     let maps = try AttentionMaps(of: block, x, at: [.init(t: 1, h: 7, w: 7)])
///     let heat = try maps.overPositions(0)            // [T, H, W], whatever the sub-sampling
///     let arrows = maps.strongest(20, of: 0)          // where its twenty strongest keys are
///
/// They come from one row of affinities for each query; N × M are never held.
public struct AttentionMaps: Sendable {
    /// What a map shows of each key j, for a query i.
    public enum Quantity: String, Sendable, Hashable, CaseIterable {
        /// p_ij, the affinity after normalisation.
        case weight
        /// p_ij · ‖W_z g(x_j)‖, the length of what j really adds to z_i, W_z with its norm. A strong feature
        /// that is unrelated, and a related one that is weak, are both small.
        case contribution
    }

    /// What the numbers are.
    public let quantity: Quantity
    /// T, H and W of x; 1 where it has no such dimension.
    public let extents: [Int]
    /// T', H' and W' of the keys; for pooling over flattened positions 1, 1 and M.
    public let keyExtents: [Int]
    /// The positions whose maps these are.
    public let queries: [GridPosition]
    /// `[n, M]` for n queries and all M keys of an item, flattened as (t·H' + h)·W' + w; zero for keys that the
    /// scope leaves out.
    public let values: Tensor<Float>

    /// What the affinities were computed with.
    public let plan: Plan

    let regions: KeyRegions

    /// Computes the maps of some positions.
    ///
    /// - Parameters:
    ///   - block: the block to look into.
    ///   - x: of a shape that the block takes.
    ///   - queries: positions of x.
    ///   - item: the batch item.
    ///   - quantity: what the maps show.
    ///   - backend: where it runs.
    ///   - validation: how much is compared with the reference.
    ///   - memoryLimit: bytes of device memory; by default the device's own limit.
    /// - Throws: ``NonLocalError/Code/configuration`` if there is no such position or item, and what
    ///   ``PreparedBlock/attention(_:queries:)`` throws.
    public init(
        of block: NonLocalBlock, _ x: Tensor<Float>, at queries: [GridPosition], item: Int = 0,
        quantity: Quantity = .weight, backend: Backend = .automatic,
        validation: Validation = .sampled(rows: 8), memoryLimit: Int? = nil
    ) throws {
        try self.init(
            of: block, x, at: queries, item, quantity, backend, validation, memoryLimit, monitor: { _ in nil }
        )
    }

    /// The same off the caller's thread, told of while it is made, and stopped when the task is cancelled; see
    /// ``PreparedBlock/run(_:queries:progress:)``.
    ///
    /// - Parameters:
    ///   - block: the block to look into.
    ///   - x: of a shape that the block takes.
    ///   - queries: positions of x.
    ///   - item: the batch item.
    ///   - quantity: what the maps show.
    ///   - backend: where it runs.
    ///   - validation: how much is compared with the reference.
    ///   - memoryLimit: bytes of device memory; by default the device's own limit.
    ///   - progress: called now and then, on another thread.
    /// - Throws: as ``init(of:_:at:item:quantity:backend:validation:memoryLimit:)``, and `CancellationError`.
    public init(
        of block: NonLocalBlock, _ x: Tensor<Float>, at queries: [GridPosition], item: Int = 0,
        quantity: Quantity = .weight, backend: Backend = .automatic,
        validation: Validation = .sampled(rows: 8), memoryLimit: Int? = nil,
        progress: @escaping @Sendable (RunProgress) -> Void
    ) async throws {
        self = try await onThread { cancellation in
            try AttentionMaps(
                of: block, x, at: queries, item, quantity, backend, validation, memoryLimit
            ) {
                RunMonitor(operationsInAll: $0, cancellation, report: progress)
            }
        }
    }

    /// - Parameter monitor: who follows it, given how many operations it takes.
    private init(
        of block: NonLocalBlock, _ x: Tensor<Float>, at queries: [GridPosition], _ item: Int,
        _ quantity: Quantity, _ backend: Backend, _ validation: Validation, _ memoryLimit: Int?,
        monitor: (Double) -> RunMonitor?
    ) throws {
        let whole = try Geometry(block.configuration, shape: x.shape)
        guard (0..<whole.batch).contains(item) else {
            throw NonLocalError(.configuration, "there is no item \(item) in a batch of \(whole.batch)")
        }
        guard !queries.isEmpty, queries.allSatisfy(whole.grid.contains) else {
            throw NonLocalError(
                .configuration,
                queries.first { !whole.grid.contains($0) }.map { "the query \($0) is outside of x" }
                    ?? "no query is named",
                advice: "x has \(whole.grid.t) frames of \(whole.grid.h) rows and \(whole.grid.w) columns.")
        }
        let x = try x.item(item)
        let geometry = try Geometry(block.configuration, shape: x.shape)
        let prepared = try block.prepared(
            for: x.shape, backend: backend, validation: validation, memoryLimit: memoryLimit)
        let flat = queries.map(geometry.grid.flat)
        let reference = block.reference(geometry)
        let monitor = monitor(
            prepared.steps(flat).ofAttention.operations
                + (quantity == .contribution ? reference.operationsOfContributions : 0))
        let rows = try prepared.attention(x, flat, monitor)
        let norms =
            quantity == .contribution ? try reference.contributionNorms(of: x, monitor) : nil

        let keys = geometry.keyGrid.count
        values = try Tensor(shape: [queries.count, keys]) { values in
            values.initialize(repeating: 0)
            rows.withUnsafeBufferPointer { rows in
                for (row, position) in flat.enumerated() {
                    let first = geometry.queries.place(of: position).group * geometry.keys.groupStride
                    for index in 0..<geometry.keys.count {
                        let key = first + index * geometry.keys.positionStride
                        let weight = rows[row * geometry.keys.count + index]
                        values[row * keys + key] =
                            norms.map { Float(Double(weight) * $0[key]) } ?? weight
                    }
                }
            }
        }
        plan = prepared.plan
        self.quantity = quantity
        self.queries = queries
        extents = geometry.grid.extents
        keyExtents = geometry.keyGrid.extents
        regions = KeyRegions(geometry)
    }

    /// T, H and W of x as a block takes it; 1 where it has no such dimension.
    ///
    /// - Throws: ``NonLocalError/Code/shape`` or ``NonLocalError/Code/configuration`` if the block doesn't take
    ///   it.
    public static func extents(of x: Tensor<Float>, for block: NonLocalBlock) throws -> [Int] {
        try Geometry(block.configuration, shape: x.shape).grid.extents
    }
}

extension NonLocalBlock {
    func reference(_ geometry: Geometry) -> ReferenceBlock {
        ReferenceBlock(configuration: configuration, weights: folded, geometry: geometry)
    }
}

extension ReferenceBlock {
    /// Of g and W_z at every key.
    fileprivate var operationsOfContributions: Double {
        let keys = geometry.keyGrid.count
        return ReferenceStages.operations(of: weights.g, at: keys)
            + ReferenceStages.operations(of: weights.output, at: keys)
    }

    /// ‖W_z g(x_j)‖ of every key of the first item, W_z with the norm that follows it but without biases: what
    /// is added once and not for each key.
    ///
    /// - Parameter monitor: is told of some channels after the other, and may stop there.
    func contributionNorms(of x: Tensor<Float>, _ monitor: RunMonitor? = nil) throws -> [Double] {
        let input = Field(x, item: 0, layout: geometry.layout, channels: geometry.channels)
        var output = weights.output
        output.bias = Array(repeating: 0, count: output.outputs)
        let values = try values(of: input, monitor)
        let added = try ReferenceStages.inParts(of: output, monitor) {
            ReferenceStages.project(values, by: $0)
        }
        var squares = [Double](repeating: 0, count: added.positions)
        for channel in 0..<added.channels {
            for key in 0..<added.positions {
                let value = added.values[channel * added.positions + key]
                squares[key] += value * value
            }
        }
        return squares.map { $0.squareRoot() }
    }
}
