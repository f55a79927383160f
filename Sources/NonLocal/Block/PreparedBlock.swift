import Foundation
import SwiftOpenCL

/// A block made ready for one shape of input on one backend: kernels are built, weights are on the device,
/// buffers are allocated once.
///
/// Safe from any thread; calls on one prepared block take turns.
public final class PreparedBlock: Sendable {
    /// What a call does and costs.
    public let plan: Plan

    let reference: ReferenceBlock
    let checker: RowChecker
    let options: RunOptions
    /// None where the reference computes, as it does for a block that is the identity.
    let engine: BlockEngine?
    /// Where device tensors are; none for the reference.
    let session: OpenCLSession?
    let lock = NSLock()
    nonisolated(unsafe) var calls = 0
    /// Used under the lock.
    nonisolated(unsafe) var budget = CheckBudget()

    init(
        _ configuration: NonLocalBlock.Configuration, _ weights: FoldedWeights, shape: [Int],
        session: OpenCLSession?, options: RunOptions
    ) throws {
        let geometry = try Geometry(configuration, shape: shape)
        reference = ReferenceBlock(configuration: configuration, weights: weights, geometry: geometry)
        checker = RowChecker(reference)
        self.options = options
        self.session = session
        if let session, !weights.isIdentity {
            let engine = try BlockEngine(session, configuration, geometry, weights, options)
            self.engine = engine
            plan = engine.plan
        } else {
            if session == nil {
                try options.skip.requireReference()
                try options.absorb.requireReference()
                try options.precision.requireReference()
            }
            engine = nil
            plan = Plan(
                reference: BlockProblem(configuration, geometry, weights).steps, inputShape: shape)
        }
    }

    /// z = W_z y + x.
    ///
    /// - Parameter x: of the shape the block was prepared for.
    /// - Throws: as ``run(_:queries:)``.
    public func callAsFunction(_ x: Tensor<Float>) throws -> Tensor<Float> { try run(x).output }

    /// z with what was measured on the way.
    ///
    /// - Parameters:
    ///   - x: of the shape the block was prepared for.
    ///   - queries: flat positions, (t·H + h)·W + w, at which z is wanted, the same for each batch item; all
    ///     without.
    /// - Throws: ``NonLocalError``: `.shape`, `.nonFinite` for NaN or infinity in x where that wasn't
    ///   allowed, `.configuration` for a query outside of x, `.mismatch` if the result isn't what the
    ///   reference says; `OpenCLError` from the device.
    public func run(_ x: Tensor<Float>, queries: [Int]? = nil) throws -> BlockResult {
        let (z, report) = try run(x, queries, into: nil)
        return BlockResult(output: z, report: report)
    }

    /// Writes z into a tensor of the caller's, so that repeated calls need no new memory for it.
    ///
    ///     var z = try prepared(x)
    ///     for x in frames { try prepared.run(x, into: &z) }
    ///
    /// - Parameters:
    ///   - x: of the shape the block was prepared for.
    ///   - z: becomes the result, whatever it was. Its memory is used if it is of the result's size and no
    ///     copy of z shares it; otherwise z gets memory of its own. After an error the elements it had may be
    ///     overwritten.
    /// - Throws: as ``run(_:queries:)``.
    @discardableResult
    public func run(_ x: Tensor<Float>, into z: inout Tensor<Float>) throws -> RunReport {
        let (result, report) = try run(
            x, nil, into: z.storageToFill(count: x.count, besides: [x.storage]))
        z = result
        return report
    }

    func run(
        _ x: Tensor<Float>, _ queries: [Int]?, into memory: TensorStorage<Float>?,
        _ monitor: RunMonitor? = nil
    ) throws -> (Tensor<Float>, RunReport) {
        try check(x, queries)
        lock.lock()
        defer { lock.unlock() }
        defer { calls += 1 }
        return try options.onMismatch.result {
            let start = ContinuousClock.now
            guard let engine else { return try byReference(x, queries, monitor) }
            let sample = affordableSample(queries)
            let sums = SumCopies()
            let (z, work) = try engine.output(x, queries, into: memory, monitor, sample.copies, sums)
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            let summed = try validate(sums, work)
            var validation = try validate(z, x, queries, sample, work)
            budget.worked(seconds, then: validation)
            validation.add(summed)
            return (
                z, RunReport(validation: validation, seconds: seconds - summed.deviceSeconds, work: work)
            )
        } reference: {
            try byReference(x, queries, monitor)
        }
    }

    /// z by the CPU reference, which nothing is compared with.
    func byReference(
        _ x: Tensor<Float>, _ queries: [Int]?, _ monitor: RunMonitor? = nil
    ) throws -> (Tensor<Float>, RunReport) {
        let start = ContinuousClock.now
        let z = try reference.output(x, queries: queries, monitor)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let rows = (queries?.count ?? reference.geometry.grid.count) * reference.geometry.batch
        return (z, RunReport(validation: .none(of: rows), seconds: seconds, work: nil))
    }

    /// The normalised affinities f / C(x), `[B, N, M]`: row i holds what position i takes from each key of its
    /// group.
    ///
    /// - Parameters:
    ///   - x: of the shape the block was prepared for.
    ///   - queries: flat positions whose rows are wanted, `[B, n, M]`; all without.
    /// - Throws: as ``run(_:queries:)``.
    public func attention(_ x: Tensor<Float>, queries: [Int]? = nil) throws -> Tensor<Float> {
        try attention(x, queries, nil)
    }

    func attention(
        _ x: Tensor<Float>, _ queries: [Int]?, _ monitor: RunMonitor?
    ) throws -> Tensor<Float> {
        try check(x, queries)
        lock.lock()
        defer { lock.unlock() }
        guard let engine else {
            return try reference.attention(x, queries: queries, monitor).map(Float.init)
        }
        defer { calls += 1 }
        let map = try engine.attention(x, queries, monitor)
        let chosen = sample(queries).rows
        if !chosen.isEmpty {
            _ = try passed(checker.compare(attention: map, x, queries: queries, chosen))
        }
        return map
    }

    /// Gives back the buffers, which the next call allocates anew.
    func releaseBuffers() {
        lock.lock()
        defer { lock.unlock() }
        engine?.releaseBuffers()
    }

    private func check(_ x: Tensor<Float>, _ queries: [Int]?) throws {
        let geometry = reference.geometry
        try check(shape: x.shape)
        try requireAllowed(x)
        guard let queries else { return }
        let positions = geometry.grid.count
        guard !queries.isEmpty, queries.allSatisfy({ (0..<positions).contains($0) }) else {
            throw NonLocalError(
                .configuration,
                queries.isEmpty
                    ? "no query is named" : "a query is outside of the \(positions) positions of x",
                advice: "Queries are flat positions, (t·H + h)·W + w.")
        }
    }

    func requireAllowed(_ x: Tensor<Float>) throws(NonLocalError) {
        if !options.allowsNonFinite { try requireFinite(x, "x") }
    }

    func check(shape: [Int]) throws(NonLocalError) {
        guard shape == reference.geometry.shape else {
            throw NonLocalError(
                .shape,
                "x of shape \(shape) was given to a block prepared for \(reference.geometry.shape)",
                advice: "Prepare the block again for each shape.")
        }
    }
}
