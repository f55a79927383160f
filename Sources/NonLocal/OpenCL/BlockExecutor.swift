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
    private let maxPool: MaxPoolKernel?
    private let panelPool: PanelPoolKernel?
    private let gather: GatherKernel?
    private let groupNorm: GroupNormKernels?
    /// θ, φ and g, as the problem groups them.
    private let projections: [[BufferRole]: Projector.Maps]
    private let output: Projector.Maps
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
            || (projections.values + [output, scoreTheta, scorePhi].compactMap { $0 }).allSatisfy(\.fits)
    }

    private var configuration: NonLocalBlock.Configuration { problem.configuration }
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
        let maps: [BufferRole: Linear?] = [.theta: weights.theta, .phi: weights.phi, .g: weights.g]
        projections = try Dictionary(
            uniqueKeysWithValues: problem.projectionGroups(method.order).map { group in
                (group, try projector.load(group.compactMap { maps[$0] ?? nil }))
            })
        output = try projector.load([weights.output])
        if method.form == .block, let tile = method.tile,
            case .packed(let input)? = projections[[.theta, .phi, .g]], case .packed(let output) = output
        {
            whole = try PanelBlockKernel(library, tile, problem, input: input, output: output)
        } else {
            whole = nil
        }
        scoreTheta = try weights.scoreTheta.map { try projector.load([$0]) }
        scorePhi = try weights.scorePhi.map { try projector.load([$0]) }
        // Each would have a driver build the staged program, which takes longer than many a first call.
        let poolsByPanels =
            problem.route(of: .g, method) == .pooled || problem.poolsInputByPanels(method)
        panelPool = poolsByPanels ? try method.tile.map { try PanelPoolKernel(library, $0) } : nil
        maxPool = geometry.window == nil || poolsByPanels ? nil : try MaxPoolKernel(library)
        gather = problem.isSubset ? try GatherKernel(library) : nil
        groupNorm = try weights.groupNorm.map {
            try GroupNormKernels(library, $0, channels: geometry.channels)
        }
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
        var y: View
        /// d, or 1 for the outer sum.
        var width: Int
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
            let projected = try project(launcher, x: x, items: items, queries: queries, workspace)
            try pooledKeys?(projected.required(.phi), projected.required(.g))
            try reassociated.run(
                launcher, projected, to: z, items: items, queries: queries, workspace)
            try sums?.afterAll(launcher, projected, nil, z: nil, items: items, workspace)
            return
        }
        if let whole {
            try compute(whole, launcher, x: x, to: z, items: items, workspace)
            try pooledKeys?(packed(.phi, workspace), packed(.g, workspace))
            return
        }
        let projected = try project(launcher, x: x, items: items, queries: queries, workspace)
        try pooledKeys?(projected.required(.phi), projected.required(.g))
        var operands = try self.operands(launcher, projected, items: items, workspace)
        operands.sums = try sums?.beforeAttention(launcher, g: operands.g, items: items, workspace)
        try operate(launcher, operands, items: items, queries: queries, workspace)
        try finish(launcher, operands, to: z, items: items, workspace)
        try sums?.afterAll(launcher, projected, operands, z: z, items: items, workspace)
    }

    /// z by the kernel for the whole block.
    private func compute(
        _ whole: PanelBlockKernel, _ launcher: Launcher, x: View, to z: View, items: Int,
        _ workspace: Workspace
    ) throws {
        func tensor(_ role: BufferRole, _ channels: Int) throws -> View {
            View(try workspace.required(role), channels: channels, positions: problem.rows)
        }
        let values = configuration.valueChannels
        try whole.launch(
            launcher,
            PanelBlockKernel.Tensors(
                x: normalized(launcher, x, items: items, workspace),
                residual: configuration.residual ? x : nil, z: z, theta: tensor(.theta, problem.width),
                phi: packed(.phi, workspace), g: packed(.g, workspace),
                whole: geometry.window == nil
                    ? nil : (tensor(.phi, problem.width), tensor(.g, values)),
                y: tensor(.aggregate, values)),
            items: items, scratch: workspace.required(.scratch))
    }

    /// x after the group norm, if there is one.
    private func normalized(
        _ launcher: Launcher, _ x: View, items: Int, _ workspace: Workspace
    ) throws -> View {
        guard let groupNorm else { return x }
        let (channels, positions) = (geometry.channels, geometry.grid.count)
        let features = View(try workspace.required(.normalized), channels: channels, positions: positions)
        try groupNorm.launch(
            launcher, from: x, moments: workspace.required(.moments), to: features, positions: positions,
            items: items)
        return features
    }

    /// x and its projections, of a slice of the batch.
    struct Projected {
        /// x, at the queries.
        var residual: View
        /// x after the group norm, at the queries.
        var source: View
        /// What φ and g are projections of.
        var keySource: View
        /// θ, φ and g by their roles, those that the method needs.
        var views: [BufferRole: View]
        /// The same before φ and g are pooled behind their projections.
        var whole: [BufferRole: View]
        /// Query positions of an item.
        var rows: Int

        func required(_ role: BufferRole) throws(NonLocalError) -> View {
            guard let view = views[role] else {
                throw NonLocalError(.configuration, "the plan has no \(role.rawValue)")
            }
            return view
        }
    }

    /// Everything in front of the operation: group norm, sub-sampling, θ, φ and g.
    func prepare(
        _ launcher: Launcher, x: View, items: Int, queries: ChosenQueries?, _ workspace: Workspace
    ) throws -> Operands {
        let projected = try project(launcher, x: x, items: items, queries: queries, workspace)
        return try operands(launcher, projected, items: items, workspace)
    }

    /// The operation's operands, from x and its projections.
    private func operands(
        _ launcher: Launcher, _ projected: Projected, items: Int, _ workspace: Workspace
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
        return Operands(
            residual: projected.residual,
            theta: try score(scoreTheta, views[.theta] ?? projected.source, rows, .thetaScores),
            phi: try score(
                scorePhi, views[.phi] ?? projected.keySource, geometry.keyGrid.count, .phiScores),
            g: views[.g] ?? projected.keySource,
            y: try values(.aggregate, rows, workspace),
            width: problem.score == .outerSum ? 1 : problem.width, rows: rows)
    }

    /// Group norm, sub-sampling, and the projections that the method needs.
    func project(
        _ launcher: Launcher, x: View, items: Int, queries: ChosenQueries?, _ workspace: Workspace
    ) throws -> Projected {
        let (channels, positions) = (geometry.channels, geometry.grid.count)
        let features = try normalized(launcher, x, items: items, workspace)
        var (residual, source, rows) = (x, features, positions)
        if let queries, let gather {
            rows = queries.count
            func gathered(_ view: View, _ role: BufferRole) throws -> View {
                let result = View(try workspace.required(role), channels: channels, positions: rows)
                try gather.launch(
                    launcher, from: view, index: queries.positions, to: result, channels: channels,
                    items: items)
                return result
            }
            residual = try gathered(x, .gatheredInput)
            source = groupNorm == nil ? residual : try gathered(features, .gatheredNormalized)
        }

        /// θ, φ and g by their roles; x itself where there is no map.
        var projected: [BufferRole: View] = [:]
        func project(_ roles: [BufferRole], from view: View, _ positions: Int) throws {
            guard let maps = projections[roles] else { return }
            let views = try zip(roles, maps.outputs).map { role, channels in
                if role != .theta, problem.route(of: role, method) == .projected {
                    return try packed(role, workspace)
                }
                return role == .g
                    ? try values(.g, positions, isOperand: !problem.poolsProjections, workspace)
                    : View(try workspace.required(role), channels: channels, positions: positions)
            }
            let frames = problem.frames(of: roles, method)
            func byFrame(_ view: View) -> View { frames.map(view.grouped) ?? view }
            try projector.launch(
                launcher, maps, from: byFrame(view), to: views.map(byFrame),
                positions: frames?.count ?? positions, items: items * (frames?.groups ?? 1), workspace)
            for (role, view) in zip(roles, views) { projected[role] = view }
        }
        func pool(_ view: View, channels: Int, _ role: BufferRole) throws -> View {
            guard let window = geometry.window else { return view }
            let pooled = geometry.keyGrid.count
            let result =
                role == .pooledG
                ? try values(role, pooled, workspace)
                : View(try workspace.required(role), channels: channels, positions: pooled)
            if let maxPool {
                try maxPool.launch(
                    launcher, from: view, grid: geometry.grid, window: window, to: result, pooled: pooled,
                    channels: channels, items: items)
            } else if let panelPool {
                try panelPool.launch(
                    launcher, from: view, to: result, channels: channels, grid: geometry.grid,
                    window: window, pooled: pooled, items: items)
            }
            return result
        }

        let poolsFirst = configuration.subsample == .poolFirst
        let keySource = poolsFirst ? try pool(features, channels: channels, .pooledInput) : features
        try project([.theta, .phi, .g], from: features, positions)
        try project([.theta], from: source, rows)
        try project([.phi, .g], from: keySource, problem.projectedPositions)
        try project([.g], from: keySource, problem.projectedPositions)
        let whole = projected
        let phi = projected[.phi] ?? (problem.projectsAffinity ? nil : keySource)
        if !poolsFirst, let panelPool, let window = geometry.window, let phi, let g = projected[.g] {
            let (packedPhi, packedG) = try (packed(.phi, workspace), packed(.g, workspace))
            try panelPool.launch(
                launcher, phi: phi, g: g, toPhi: packedPhi, toG: packedG, width: problem.width,
                valueChannels: configuration.valueChannels, grid: geometry.grid, window: window,
                keys: geometry.keys.count, items: items)
            (projected[.phi], projected[.g]) = (packedPhi, packedG)
        } else if !poolsFirst {
            if let phi { projected[.phi] = try pool(phi, channels: problem.width, .pooledPhi) }
            if let g = projected[.g] {
                projected[.g] = try pool(g, channels: configuration.valueChannels, .pooledG)
            }
        }
        return Projected(
            residual: residual, source: source, keySource: keySource, views: projected, whole: whole,
            rows: rows)
    }

    /// g or y, in the layout that the method wants where its operation reads or writes it.
    private func values(
        _ role: BufferRole, _ positions: Int, isOperand: Bool = true, _ workspace: Workspace
    ) throws -> View {
        let channels = configuration.valueChannels
        let stride = isOperand ? method.positionStride(channels: channels) : nil
        return View(
            try workspace.required(role), channels: stride ?? channels, positions: positions,
            layout: stride == nil ? .channelsFirst : .channelsLast)
    }

    /// φ or g as the fused attention reads it.
    private func packed(_ role: BufferRole, _ workspace: Workspace) throws -> View {
        guard let tile = method.tile else {
            throw NonLocalError(.configuration, "the plain kernels pack nothing")
        }
        let isPhi = role == .phi
        return tile.view(
            try workspace.required(isPhi ? .packedPhi : .packedG), isPhi ? .byRows : .byKeys,
            channels: isPhi ? problem.width : configuration.valueChannels, positions: geometry.keys.count,
            groups: geometry.keys.groups)
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
        func run(
            _ theta: View, _ phi: View, _ g: View, _ y: View, groups: Int, rows: Int, own: Buffer<Int32>?,
            firstOwn: Int, place: @escaping (Int, Int) -> (item: Int, row: Int)
        ) throws {
            try attention.run(
                launcher,
                AttentionOperands(
                    theta: theta, phi: phi, g: g, y: y, width: operands.width,
                    valueChannels: configuration.valueChannels, groups: groups, rows: rows,
                    keys: geometry.keys.count, own: own, firstOwn: firstOwn, sums: operands.sums),
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
        try projector.launch(
            launcher, output, from: operands.y, residual: configuration.residual ? operands.residual : nil,
            to: [z], positions: operands.rows, items: items, workspace)
    }
}
