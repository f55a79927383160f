import SwiftOpenCL

/// A block's executors on one device, with the buffers of each, made when they are first needed.
///
/// `@unchecked Sendable`: `PreparedBlock` lets one call in at a time.
final class BlockEngine: @unchecked Sendable {
    let plan: Plan

    let session: OpenCLSession
    private let configuration: NonLocalBlock.Configuration
    private let geometry: Geometry
    private let weights: WeightsByMethod
    /// The plan's, or what took its place when numbers did not fit.
    private var method: Method
    private let kernels: KernelChoice
    private let sizes: PairSizes
    private let options: RunOptions
    private let memoryLimit: Int
    private let pool = MemoryPool()
    private var executors: [ExecutorKey: BlockExecutor] = [:]
    /// The buffers of the last run over all positions. There is one set at a time: two could be more than the
    /// memory limit allows.
    private var workspace: Workspace?

    private struct WeightsByMethod {
        let plain: FoldedWeights
        /// With w_f folded into θ and φ.
        let sorted: FoldedWeights

        subscript(method: Method) -> FoldedWeights { method.strategy == .sorted ? sorted : plain }
    }

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
        self.options = options
        let formulas = BlockProblem(configuration, geometry, weights)
        let kernels = try KernelChoice(
            options.kernels, options.groupTile ?? session.tunedTile, session.warpTiles(options),
            options.precision, on: device)
        self.kernels = kernels
        sizes = PairSizes(width: formulas.width, valueChannels: configuration.valueChannels)
        let (candidates, notes) = try session.passing(
            Method.candidates(
                options.strategy, configuration.pairwise.formulation,
                scale: configuration.scale.value(width: formulas.thetaWidth),
                ownWeight: configuration.ownWeight,
                sizes: sizes,
                device: device, kernels: kernels, precision: options.precision,
                reassociation: formulas.reassociation(options.order)),
            sizes, options)
        let skipping = try options.skip.applied(
            to: candidates, width: formulas.width, rows: geometry.queries.count, keys: geometry.keys.count)
        let methods = try options.absorb.applied(
            to: skipping.map { formulas.summed(formulas.shaped($0, options.form), options.checksums) },
            of: formulas)
        let sorts = methods.contains { $0.strategy == .sorted }
        let byMethod = WeightsByMethod(
            plain: weights,
            sorted: sorts ? weights.foldingScores(keepsPhi: formulas.poolsProjections) : weights)
        self.weights = byMethod
        func problem(_ method: Method) -> BlockProblem {
            BlockProblem(configuration, geometry, byMethod[method])
        }
        memoryLimit = options.memoryLimit ?? OpenCLSession.defaultMemoryLimit(of: device)
        func workload(_ method: Method) -> Workload {
            problem(method).workload(method, sharesHostMemory: session.sharesHostMemory)
        }
        let schedule = try Schedule(firstOf: methods, workload, limit: memoryLimit, device: device)
        let method = schedule.method
        self.method = method
        plan = Plan(
            textbook: formulas.steps, executed: problem(method).steps(of: method),
            inputShape: geometry.shape, schedule, on: device, memoryLimit: memoryLimit,
            alternatives: Plan.alternatives(
                to: method,
                among: methods.flatMap {
                    $0.orders(formulas.possibleOrders)
                },
                { problem($0).steps(of: $0) }, workload, limit: memoryLimit, device: device),
            notes: notes + options.precision.notes(on: method))
        executors[ExecutorKey(method: method, isSubset: false)] = try BlockExecutor(
            session, problem(method), method, byMethod[method])
    }

    /// Queries that a tile of the kernels has.
    var queryTile: Int { method.queryTile(sizes) }

    /// z and what it took of the device.
    ///
    /// - Parameters:
    ///   - memory: to write z to, if there is some of the right size already.
    ///   - copies: takes φ and g of some items, if they are pooled behind their projections.
    func output(
        _ x: Tensor<Float>, _ queries: [Int]?, into memory: TensorStorage<Float>?,
        _ monitor: RunMonitor? = nil, _ copies: PooledKeyCopies? = nil, _ sums: SumCopies? = nil
    ) throws -> (Tensor<Float>, DeviceWork?) {
        // The fused kernels know a position's own key by its place, which chosen queries don't keep.
        let keepsPlace = queries == nil || configuration.ownWeight == .include
        return try fitting(sums) { method in
            // Chosen queries are few, and not worth an order.
            let chosen = queries == nil ? method : method.general
            return try run(queries, keepsPlace ? chosen : staged, monitor, copies, sums).output(
                x, into: memory)
        }
    }

    /// A run's result, or where its numbers did not fit the method that of another one by a roomier method.
    ///
    /// - Parameter sums: taken by the run.
    private func fitting<Value>(
        _ sums: SumCopies?, _ run: (Method) throws -> (Value, DeviceWork)
    ) throws -> (Value, DeviceWork) {
        let result = try run(method)
        guard !result.1.fits, let roomier = method.roomier else { return result }
        let methods = try session.passing([roomier, .plain], sizes, options).methods
        let other = try Schedule(firstOf: methods, workload, limit: memoryLimit, device: session.device)
            .method
        // What float16 doesn't hold is likely to come again.
        if method.precision == .mixed { method = other }
        sums?.forget()
        return try run(other)
    }

    private func workload(_ method: Method) -> Workload {
        BlockProblem(configuration, geometry, weights[method]).workload(
            method, sharesHostMemory: session.sharesHostMemory)
    }

    /// z in the device's memory, and what it took.
    func output(
        _ x: Buffer<Float>, _ copies: PooledKeyCopies? = nil, _ sums: SumCopies? = nil
    ) throws -> (DeviceTensor, DeviceWork) {
        let (z, buffer) = try session.makeTensor(shape: geometry.shape, pool: pool)
        return try fitting(sums) { (z, try run(nil, $0, nil, copies, sums).output(x, to: buffer)) }
    }

    /// f / C(x), which only the staged strategy ever holds.
    func attention(
        _ x: Tensor<Float>, _ queries: [Int]?, _ monitor: RunMonitor? = nil
    ) throws -> Tensor<Float> {
        try run(queries, staged, monitor).attention(x)
    }

    /// The staged strategy with the method's own kernels, if it has such.
    private var staged: Method {
        get throws {
            guard let tile = kernels.groupTile else { return .plain }
            let methods = [Method(strategy: .staged, groupTile: tile), .plain]
            return try session.passing(methods, sizes, options).methods[0]
        }
    }

    func releaseBuffers() {
        workspace = nil
        pool.release()
    }

    /// A run over all positions in buffers that stay, or over chosen ones in buffers of their own.
    private func run(
        _ queries: [Int]?, _ method: Method, _ monitor: RunMonitor? = nil,
        _ copies: PooledKeyCopies? = nil, _ sums: SumCopies? = nil
    ) throws -> BlockRun {
        let problem = BlockProblem(configuration, geometry, weights[method], queries: queries?.count)
        let key = ExecutorKey(method: method, isSubset: queries != nil)
        let executor = try executors[key] ?? BlockExecutor(session, problem, method, weights[method])
        executors[key] = executor
        return BlockRun(
            block: executor, workspace: try workspace(for: problem, method),
            queries: try queries.map { try ChosenQueries($0, groups: geometry.queries, in: session.context) },
            pool: pool, pace: session.pace(options.launchSeconds, monitor), copies: copies,
            sums: sums)
    }

    private func workspace(for problem: BlockProblem, _ method: Method) throws -> Workspace {
        if !problem.isSubset, let workspace, workspace.schedule.method == method { return workspace }
        workspace = nil
        let device = session.device
        let workload = problem.workload(method, sharesHostMemory: session.sharesHostMemory)
        let made = try Workspace(
            Schedule(workload, limit: memoryLimit, device: device), orLessFor: workload, in: session)
        if !problem.isSubset { workspace = made }
        return made
    }
}
