extension PreparedBlock {
    /// z with what was measured on the way, off the caller's thread and told of while it is made.
    ///
    ///     let result = try await prepared.run(x) { print("\($0.fraction * 100) %") }
    ///
    /// No launch takes much longer than the bound on it, and between two of them the task's cancellation is seen:
    /// the run then ends with `CancellationError`, and the block can be used again.
    ///
    /// - Parameters:
    ///   - x: of the shape the block was prepared for.
    ///   - queries: flat positions at which z is wanted; all without.
    ///   - progress: called after each launch with work to speak of, on another thread.
    /// - Throws: as ``run(_:queries:)``, and `CancellationError`.
    public func run(
        _ x: Tensor<Float>, queries: [Int]? = nil, progress: @escaping @Sendable (RunProgress) -> Void
    ) async throws -> BlockResult {
        try await onThread { cancellation in
            let operations = queries.map { self.steps($0).operations } ?? self.plan.executedOperations
            let monitor = RunMonitor(operationsInAll: operations, cancellation, report: progress)
            let (z, report) = try self.run(x, queries, into: nil, monitor)
            return BlockResult(output: z, report: report)
        }
    }

    /// The normalised affinities f / C(x), off the caller's thread and told of while they are computed; see
    /// ``attention(_:queries:)`` and ``run(_:queries:progress:)``.
    ///
    /// - Throws: as ``run(_:queries:)``, and `CancellationError`.
    public func attention(
        _ x: Tensor<Float>, queries: [Int]? = nil, progress: @escaping @Sendable (RunProgress) -> Void
    ) async throws -> Tensor<Float> {
        try await onThread { cancellation in
            let monitor = RunMonitor(
                operationsInAll: self.steps(queries).ofAttention.operations, cancellation, report: progress)
            return try self.attention(x, queries, monitor)
        }
    }

    /// The formulas' steps for some queries, or for all.
    func steps(_ queries: [Int]?) -> [CostedStep] {
        BlockProblem(reference.configuration, reference.geometry, reference.weights, queries: queries?.count)
            .steps
    }
}
