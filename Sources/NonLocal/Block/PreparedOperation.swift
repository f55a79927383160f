import Foundation
import SwiftOpenCL

/// The bare operation made ready for operands of certain shapes on one backend.
///
/// Safe from any thread; calls on one prepared operation take turns.
public final class PreparedOperation: Sendable {
    /// What a call does and costs.
    public let plan: Plan

    /// Used under the lock: another takes its place when numbers do not fit.
    private nonisolated(unsafe) var executor: OperationExecutor?
    private let memoryLimit: Int
    private let operation: NonLocalOperation
    private let shape: OperationShape
    private let options: RunOptions
    private let lock = NSLock()
    private nonisolated(unsafe) var calls = 0
    private nonisolated(unsafe) var budget = CheckBudget()

    init(
        _ operation: NonLocalOperation, _ shape: OperationShape, session: OpenCLSession?, options: RunOptions
    ) throws {
        self.operation = operation
        self.shape = shape
        self.options = options
        guard let session else {
            try options.skip.requireReference()
            try options.precision.requireReference()
            executor = nil
            memoryLimit = 0
            plan = Plan(reference: shape.steps, inputShape: shape.theta)
            return
        }
        let device = session.device
        let limit = options.memoryLimit ?? OpenCLSession.defaultMemoryLimit(of: device)
        memoryLimit = limit
        let sizes = shape.sizes
        let (candidates, notes) = try session.passing(
            Method.candidates(
                options.strategy, operation.pairwise.formulation,
                scale: operation.scale.value(width: shape.width), ownWeight: operation.ownWeight,
                sizes: sizes, device: device,
                kernels: KernelChoice(
                    options.kernels, options.groupTile ?? session.tunedTile, session.warpTiles(options),
                    options.precision, on: device),
                precision: options.precision,
                reassociation: shape.reassociation(operation.pairwise.formulation)),
            sizes, options)
        let methods = try options.skip.applied(
            to: candidates, width: shape.width, rows: shape.rows, keys: shape.keys)
        func workload(_ method: Method) -> Workload {
            shape.workload(method, sharesHostMemory: session.sharesHostMemory)
        }
        let wanted = try Schedule(firstOf: methods, workload, limit: limit, device: device)
        let workspace = try Workspace(wanted, orLessFor: workload(wanted.method), in: session)
        let schedule = workspace.schedule
        executor = try OperationExecutor(session, operation, shape, workspace)
        plan = Plan(
            textbook: shape.steps, executed: shape.steps(of: schedule.method), inputShape: shape.theta,
            schedule, on: device, memoryLimit: limit,
            alternatives: Plan.alternatives(
                to: schedule.method, among: methods, shape.steps(of:), workload, limit: limit, device: device),
            notes: notes + options.precision.notes(on: schedule.method))
    }

    /// y, `[B, d_v, …]` with the positions of θ.
    ///
    /// - Throws: as ``run(theta:phi:g:)``.
    public func callAsFunction(
        theta: Tensor<Float>, phi: Tensor<Float>, g: Tensor<Float>
    ) throws -> Tensor<Float> {
        try run(theta: theta, phi: phi, g: g).output
    }

    /// y with what was measured on the way.
    ///
    /// - Throws: ``NonLocalError``: `.shape`, `.nonFinite` for NaN or infinity in an operand where that wasn't
    ///   allowed, `.mismatch` if the result isn't what the reference says; `OpenCLError` from the device.
    public func run(theta: Tensor<Float>, phi: Tensor<Float>, g: Tensor<Float>) throws -> BlockResult {
        try run(theta, phi, g, nil)
    }

    /// Writes y into a tensor of the caller's, so that repeated calls need no new memory for it.
    ///
    /// - Parameters:
    ///   - theta: `[B, d, …]`, of the shape it was prepared for.
    ///   - phi: `[B, d, …]`, of the shape it was prepared for.
    ///   - g: `[B, d_v, …]`, of the shape it was prepared for.
    ///   - y: becomes the result, whatever it was. Its memory is used if it is of the result's size and no copy
    ///     of y shares it; otherwise y gets memory of its own. After an error the elements it had may be
    ///     overwritten.
    /// - Throws: as ``run(theta:phi:g:)``.
    @discardableResult
    public func run(
        theta: Tensor<Float>, phi: Tensor<Float>, g: Tensor<Float>, into y: inout Tensor<Float>
    ) throws -> RunReport {
        let memory = y.storageToFill(
            count: shape.output.reduce(1, *), besides: [theta.storage, phi.storage, g.storage])
        let (result, report) = try run(theta, phi, g, into: memory)
        y = result
        return report
    }

    /// y with what was measured on the way, off the caller's thread and told of while it is made; see
    /// ``PreparedBlock/run(_:queries:progress:)``. The CPU reference is neither told of nor stopped.
    ///
    /// - Parameters:
    ///   - theta: `[B, d, …]`, of the shape it was prepared for.
    ///   - phi: `[B, d, …]`, of the shape it was prepared for.
    ///   - g: `[B, d_v, …]`, of the shape it was prepared for.
    ///   - progress: called after each launch with work to speak of, on another thread.
    /// - Throws: as ``run(theta:phi:g:)``, and `CancellationError`.
    public func run(
        theta: Tensor<Float>, phi: Tensor<Float>, g: Tensor<Float>,
        progress: @escaping @Sendable (RunProgress) -> Void
    ) async throws -> BlockResult {
        try await onThread { cancellation in
            let monitor = RunMonitor(
                operationsInAll: self.plan.executedOperations, cancellation, report: progress)
            return try self.run(theta, phi, g, monitor)
        }
    }

    /// y of a run that somebody may follow.
    func run(
        _ theta: Tensor<Float>, _ phi: Tensor<Float>, _ g: Tensor<Float>, _ monitor: RunMonitor?
    ) throws -> BlockResult {
        let (y, report) = try run(theta, phi, g, into: nil, monitor)
        return BlockResult(output: y, report: report)
    }

    private func run(
        _ theta: Tensor<Float>, _ phi: Tensor<Float>, _ g: Tensor<Float>, into memory: TensorStorage<Float>?,
        _ monitor: RunMonitor? = nil
    ) throws -> (Tensor<Float>, RunReport) {
        for (name, tensor, wanted) in [("θ", theta, shape.theta), ("φ", phi, shape.phi), ("g", g, shape.g)] {
            guard tensor.shape == wanted else {
                throw NonLocalError(
                    .shape,
                    "\(name) of shape \(tensor.shape) was given to an operation prepared for \(wanted)",
                    advice: "Prepare the operation again for each shape.")
            }
            if !options.allowsNonFinite { try requireFinite(tensor, name) }
        }
        lock.lock()
        defer { lock.unlock() }
        defer { calls += 1 }
        let reference = ReferenceBareOperation(operation, shape, theta: theta, phi: phi, g: g)
        func byReference() throws -> (Tensor<Float>, RunReport) {
            let start = ContinuousClock.now
            let y = try reference.output()
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            return (
                y, RunReport(validation: .none(of: shape.batch * shape.rows), seconds: seconds, work: nil)
            )
        }
        return try options.onMismatch.result {
            guard let executor else { return try byReference() }
            let start = ContinuousClock.now
            func result(_ executor: OperationExecutor) throws -> (Tensor<Float>, DeviceWork) {
                try executor.run(
                    theta: theta, phi: phi, g: g, into: memory,
                    executor.session.pace(options.launchSeconds, monitor))
            }
            var (y, work) = try result(executor)
            if !work.fits, let roomier = executor.method.roomier {
                (y, work) = try result(replace(executor, by: roomier))
            }
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            let validation = try validate(y, reference, work)
            budget.worked(seconds, then: validation)
            return (y, RunReport(validation: validation, seconds: seconds, work: work))
        } reference: {
            try byReference()
        }
    }

    /// Puts another method in the place of one that numbers did not fit.
    private func replace(
        _ executor: OperationExecutor, by method: Method
    ) throws -> OperationExecutor {
        let session = executor.session
        let methods = try session.passing([method, .plain], shape.sizes, options).methods
        func workload(_ method: Method) -> Workload {
            shape.workload(method, sharesHostMemory: session.sharesHostMemory)
        }
        let schedule = try Schedule(firstOf: methods, workload, limit: memoryLimit, device: session.device)
        let wider = try OperationExecutor(
            session, operation, shape,
            Workspace(schedule, orLessFor: workload(schedule.method), in: session))
        self.executor = wider
        return wider
    }

    private func validate(
        _ y: Tensor<Float>, _ reference: ReferenceBareOperation, _ work: DeviceWork
    ) throws -> ValidationReport {
        let all = shape.batch * shape.rows
        guard let executor, options.validation.isAffordable(budget, on: executor.session) else {
            return .none(of: all)
        }
        let chosen = SampledRows.choose(
            options.validation, items: shape.batch, rows: shape.rows, call: calls,
            tile: executor.method.queryTile(shape.sizes))
        guard !chosen.isEmpty else { return .none(of: all) }
        let start = ContinuousClock.now
        let comparison = reference.compare(y, chosen, precision: work.precision)
        if let mismatch = comparison.mismatch {
            throw NonLocalError(mismatch, plan)
        }
        return comparison.report(of: all, seconds: (ContinuousClock.now - start) / .seconds(1))
    }
}
