import SwiftOpenCL

/// A block's executors on one device, with the buffers of each, made when they are first needed.
///
/// `@unchecked Sendable`: `PreparedBlock` lets one call in at a time.
final class BlockEngine: @unchecked Sendable {
    let plan: Plan

    private let session: OpenCLSession
    private let configuration: NonLocalBlock.Configuration
    private let geometry: Geometry
    private let weights: FoldedWeights
    private let method: Method
    private let memoryLimit: Int
    private var executors: [ExecutorKey: BlockExecutor] = [:]
    /// The buffers of the last run over all positions. There is one set at a time: two could be more than the
    /// memory limit allows.
    private var workspace: Workspace?

    private struct ExecutorKey: Hashable {
        let method: Method
        let isSubset: Bool
    }

    /// - Throws: ``NonLocalError`` if the strategy can't compute the block or the memory limit is too low.
    init(
        _ session: OpenCLSession, _ configuration: NonLocalBlock.Configuration, _ geometry: Geometry,
        _ weights: FoldedWeights, _ options: RunOptions
    ) throws {
        let device = session.device
        self.session = session
        self.configuration = configuration
        self.geometry = geometry
        self.weights = weights
        let problem = BlockProblem(configuration, geometry, weights)
        let methods = try Method.candidates(
            options.strategy, configuration.pairwise.formulation,
            scale: configuration.scale.value(width: weights.theta?.outputs ?? geometry.channels),
            ownWeight: configuration.ownWeight, device: device, kernels: options.kernels,
            reassociation: problem.reassociation(options.order))
        memoryLimit = options.memoryLimit ?? OpenCLSession.defaultMemoryLimit(of: device)
        let schedule = try Schedule(
            firstOf: methods, { problem.workload($0, sharesHostMemory: device.hasUnifiedMemory) },
            limit: memoryLimit, device: device)
        method = schedule.method
        plan = Plan(
            problem.steps, executed: method.order.map(problem.steps) ?? problem.steps,
            inputShape: geometry.shape, schedule, on: device, memoryLimit: memoryLimit)
        executors[ExecutorKey(method: method, isSubset: false)] = try BlockExecutor(
            session, problem, method, weights)
    }

    /// z and the seconds that the kernels took on the device.
    func output(_ x: Tensor<Float>, _ queries: [Int]?) throws -> (Tensor<Float>, Double?) {
        // The fused kernels know a position's own key by its place, which chosen queries don't keep.
        let keepsPlace = queries == nil || configuration.ownWeight == .include
        let (z, seconds) = try run(queries, keepsPlace ? method : .plain).output(x)
        return (z, seconds)
    }

    /// f / C(x), which only the staged strategy ever holds.
    func attention(_ x: Tensor<Float>, _ queries: [Int]?) throws -> Tensor<Float> {
        try run(queries, .plain).attention(x)
    }

    func releaseBuffers() { workspace = nil }

    /// A run over all positions in buffers that stay, or over chosen ones in buffers of their own.
    private func run(_ queries: [Int]?, _ method: Method) throws -> BlockRun {
        let problem = BlockProblem(configuration, geometry, weights, queries: queries?.count)
        let key = ExecutorKey(method: method, isSubset: queries != nil)
        let executor = try executors[key] ?? BlockExecutor(session, problem, method, weights)
        executors[key] = executor
        return BlockRun(
            block: executor, workspace: try workspace(for: problem, method),
            queries: try queries.map { try ChosenQueries($0, groups: geometry.queries, in: session.context) })
    }

    private func workspace(for problem: BlockProblem, _ method: Method) throws -> Workspace {
        if !problem.isSubset, let workspace, workspace.schedule.method == method { return workspace }
        workspace = nil
        let device = session.device
        let workload = problem.workload(method, sharesHostMemory: device.hasUnifiedMemory)
        let made = try Workspace(
            Schedule(workload, limit: memoryLimit, device: device), in: session.context)
        if !problem.isSubset { workspace = made }
        return made
    }
}
