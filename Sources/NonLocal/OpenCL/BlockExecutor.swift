import SwiftOpenCL

/// The block on an OpenCL device. It does what its problem and method say and decides nothing.
struct BlockExecutor: Sendable {
    let session: OpenCLSession
    let problem: BlockProblem
    let method: Method
    private let projector: Projector
    private let attention: Attention
    /// What takes the place of ``attention`` and ``output``, if the products are re-associated.
    let reassociated: (any ReassociatedProducts)?
    /// What takes the place of all but the group norm, if one launch does it all.
    private let whole: PanelBlockKernel?
    let projections: BlockProjections
    private let output: Projector.Maps
    private let absorbed: AbsorbedProjections
    private let scoreTheta: Projector.Maps?
    private let scorePhi: Projector.Maps?
    /// None where no sums are taken.
    let sums: BlockSums?
    /// The key that each row of a group is itself.
    private let own: Buffer<Int32>?

    /// What operands are kept in.
    var precision: Precision { method.precision }
    /// Whether the precision holds the weights.
    var fitsWeights: Bool {
        precision != .mixed
            || (projections.maps.values + [output, scoreTheta, scorePhi].compactMap { $0 }).allSatisfy(\.fits)
    }

    var configuration: NonLocalBlock.Configuration { problem.configuration }
    var geometry: Geometry { problem.geometry }

    init(
        _ session: OpenCLSession, _ problem: BlockProblem, _ method: Method, _ weights: FoldedWeights
    ) throws {
        let (configuration, geometry, library) = (problem.configuration, problem.geometry, session.library)
        self.session = session
        self.problem = problem
        self.method = method
        let projector = try Projector(session, method)
        self.projector = projector
        projections = try BlockProjections(session, problem, method, projector, weights)
        output = try projector.load([weights.output])
        absorbed = try AbsorbedProjections(problem, method, projector, theta: weights.theta, output: output)
        if method.form == .block, let tile = method.tile,
            case .packed(let input)? = projections.maps[[.theta, .phi, .g]], case .packed(let output) = output
        {
            whole = try PanelBlockKernel(library, tile, problem, input: input, output: output)
        } else {
            whole = nil
        }
        scoreTheta = try weights.scoreTheta.map { try projector.load([$0]) }
        scorePhi = try weights.scorePhi.map { try projector.load([$0]) }
        attention = try Attention(
            library, method, formulation: configuration.pairwise.formulation,
            scale: configuration.scale.value(width: problem.width), ownWeight: configuration.ownWeight,
            width: problem.width, valueChannels: configuration.valueChannels,
            groups: geometry.batch * (problem.isSubset ? 1 : geometry.queries.groups))
        if let order = method.order, let tile = method.tile {
            reassociated = try ReassociatedBlock(session, problem, order, tile, weights)
        } else if let order = method.order, let tile = method.groupTile {
            reassociated = try TileReassociatedBlock(session, problem, order, tile, weights)
        } else {
            reassociated = nil
        }
        sums = method.sums ? try BlockSums(session, problem, method, weights) : nil
        own =
            configuration.ownWeight == .include
            ? nil
            : try Buffer(
                session.context, copying: (0..<geometry.queries.count).map(Int32.init), access: .readOnly)
    }

    /// Tensors of a slice of the batch, ready for the operation.
    struct Operands {
        /// x, at the queries.
        var residual: View
        var theta: View
        var phi: View
        var g: View
        /// y, or z where W_z is applied to the keys.
        var y: View
        /// Channels of θ and φ, 1 for the outer sum, and of g and y.
        var sizes: PairSizes
        /// What is added to the scores of each key.
        var bias: View?
        /// Query positions of an item.
        var rows: Int
        /// What attention's sums are taken with, if they are.
        var sums: AttentionOperands.Sums?
    }

    /// Gets φ and g of a slice as they were pooled behind their projections; both are on the device's queue.
    typealias PooledKeys = (_ phi: View, _ g: View) throws -> Void

    /// z of a slice of the batch.
    func compute(
        _ launcher: Launcher, x: View, to z: View, items: Int, queries: ChosenQueries?,
        _ workspace: Workspace, pooledKeys: PooledKeys? = nil
    ) throws {
        let pooledKeys = problem.poolsProjections ? pooledKeys : nil
        if let reassociated {
            let projected = try projections.project(launcher, x: x, items: items, queries: queries, workspace)
            try pooledKeys?(projected.required(.phi), projected.required(.g))
            try reassociated.run(
                launcher, projected, to: z, items: items, queries: queries, workspace)
            try sums?.afterAll(launcher, projected, nil, z: nil, items: items, workspace)
            return
        }
        if let whole {
            try compute(whole, launcher, x: x, to: z, items: items, workspace)
            try pooledKeys?(
                workspace.packedKeys(.phi, of: problem, method), workspace.packedKeys(.g, of: problem, method)
            )
            return
        }
        let projected = try projections.project(launcher, x: x, items: items, queries: queries, workspace)
        try pooledKeys?(projected.required(.phi), projected.required(.g))
        var operands = try self.operands(launcher, projected, to: z, items: items, workspace)
        operands.sums = try sums?.beforeAttention(launcher, g: operands.g, items: items, workspace)
        try operate(launcher, operands, items: items, queries: queries, workspace)
        try finish(launcher, operands, to: z, items: items, workspace)
        try sums?.afterAll(launcher, projected, operands, z: z, items: items, workspace)
    }

    /// Everything in front of the operation: group norm, sub-sampling, θ, φ and g.
    func prepare(
        _ launcher: Launcher, x: View, items: Int, queries: ChosenQueries?, _ workspace: Workspace
    ) throws -> Operands {
        let projected = try projections.project(launcher, x: x, items: items, queries: queries, workspace)
        return try operands(launcher, projected, to: nil, items: items, workspace)
    }

    /// The operation's operands, from x and its projections.
    ///
    /// - Parameter z: where W_z may be applied to the keys.
    private func operands(
        _ launcher: Launcher, _ projected: BlockProjections.Projected, to z: View?, items: Int,
        _ workspace: Workspace
    ) throws -> Operands {
        func score(_ maps: Projector.Maps?, _ view: View, _ positions: Int, _ role: BufferRole) throws -> View
        {
            guard let maps else { return view }
            let result = View(try workspace.required(role), channels: 1, positions: positions)
            try projector.launch(
                launcher, maps, from: view, to: [result], positions: positions, items: items, workspace)
            return result
        }
        let (views, rows) = (projected.views, projected.rows)
        var sizes = problem.attentionSizes(method)
        if problem.score == .outerSum { sizes.width = 1 }
        let absorbing = method.absorbed.contains(.output) ? z : nil
        let keys = try absorbed.apply(launcher, to: projected, items: items, workspace)
        return Operands(
            residual: projected.residual,
            theta: try score(scoreTheta, views[.theta] ?? projected.source, rows, .thetaScores),
            phi: try keys.phi
                ?? score(scorePhi, views[.phi] ?? projected.keySource, geometry.keyGrid.count, .phiScores),
            g: keys.g ?? views[.g] ?? projected.keySource,
            y: try absorbing ?? workspace.values(.aggregate, rows, of: problem, method),
            sizes: sizes, bias: keys.bias, rows: rows)
    }

    /// The operation itself, for all groups or for those of the chosen queries.
    ///
    /// - Parameter sink: gets the normalised affinities of each block and, for a group and row of the block,
    ///   the item and the row of `operands` they belong to; y is then not computed.
    func operate(
        _ launcher: Launcher, _ operands: Operands, items: Int, queries: ChosenQueries?,
        _ workspace: Workspace,
        sink: ((RowBlock, (Int, Int) -> (item: Int, row: Int)) throws -> Void)? = nil
    ) throws {
        let (phi, g) = (operands.phi.grouped(by: geometry.keys), operands.g.grouped(by: geometry.keys))
        let residual = method.absorbed.contains(.output) && configuration.residual ? operands.residual : nil
        func run(
            _ theta: View, _ phi: View, _ g: View, _ y: View, groups: Int, rows: Int, own: Buffer<Int32>?,
            firstOwn: Int, place: @escaping (Int, Int) -> (item: Int, row: Int)
        ) throws {
            try attention.run(
                launcher,
                AttentionOperands(
                    theta: theta, phi: phi, g: g, y: y, width: operands.sizes.width,
                    valueChannels: operands.sizes.valueChannels, groups: groups, rows: rows,
                    keys: geometry.keys.count, own: own, firstOwn: firstOwn, bias: operands.bias,
                    residual: residual?.grouped(by: geometry.queries),
                    misfits: method.absorbed.isEmpty ? nil : workspace.required(.misfits),
                    sums: operands.sums),
                workspace, sink: sink.map { sink in { try sink($0, place) } })
        }
        guard let queries else {
            let positions = geometry.queries
            return try run(
                operands.theta.grouped(by: positions), phi, g, operands.y.grouped(by: positions),
                groups: items * positions.groups, rows: positions.count, own: own, firstOwn: 0
            ) { group, row in
                let (item, inner) = (group / positions.groups, group % positions.groups)
                return (item, inner * positions.groupStride + row * positions.positionStride)
            }
        }
        for part in queries.runs {
            let first = part.range.lowerBound
            try run(
                operands.theta.advanced(byPositions: first), phi.group(part.group), g.group(part.group),
                operands.y.advanced(byPositions: first), groups: items, rows: part.range.count,
                own: own == nil ? nil : queries.own, firstOwn: first
            ) { item, row in (item, queries.order[first + row]) }
        }
    }

    /// Everything behind the operation: W_z with the norm, and the residual.
    func finish(
        _ launcher: Launcher, _ operands: Operands, to z: View, items: Int, _ workspace: Workspace
    ) throws {
        guard !method.absorbed.contains(.output) else { return }
        try projector.launch(
            launcher, output, from: operands.y, residual: configuration.residual ? operands.residual : nil,
            to: [z], positions: operands.rows, items: items, workspace)
    }
}
