import SwiftOpenCL

/// What comes in front of the operation: group norm, sub-sampling, θ, φ and g.
struct BlockProjections: Sendable {
    /// Those of θ, φ and g that are projections, as the problem groups them.
    let maps: [[BufferRole]: Projector.Maps]
    private let problem: BlockProblem
    private let method: Method
    private let projector: Projector
    private let maxPool: MaxPoolKernel?
    private let panelPool: PanelPoolKernel?
    private let gather: GatherKernel?
    private let groupNorm: GroupNormKernels?

    private var configuration: NonLocalBlock.Configuration { problem.configuration }
    private var geometry: Geometry { problem.geometry }

    init(
        _ session: OpenCLSession, _ problem: BlockProblem, _ method: Method, _ projector: Projector,
        _ weights: FoldedWeights
    ) throws {
        let (geometry, library) = (problem.geometry, session.library)
        self.problem = problem
        self.method = method
        self.projector = projector
        let linear: [BufferRole: Linear?] = [.theta: weights.theta, .phi: weights.phi, .g: weights.g]
        maps = try Dictionary(
            uniqueKeysWithValues: problem.projectionGroups(method).map { group in
                (group, try projector.load(group.compactMap { linear[$0] ?? nil }))
            })
        // Each would have a driver build the staged program, which takes longer than many a first call.
        let poolsByPanels =
            problem.poolsProjectionsByPanels(method) || problem.poolsInputByPanels(method)
        panelPool = poolsByPanels ? try method.tile.map { try PanelPoolKernel(library, $0) } : nil
        maxPool = geometry.window == nil || poolsByPanels ? nil : try MaxPoolKernel(library)
        gather = problem.isSubset ? try GatherKernel(library) : nil
        groupNorm = try weights.groupNorm.map {
            try GroupNormKernels(library, $0, channels: geometry.channels)
        }
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

    /// x after the group norm, if there is one.
    func normalized(
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
            guard let maps = maps[roles] else { return }
            let views = try zip(roles, maps.outputs).map { role, channels in
                if role != .theta, problem.route(of: role, method) == .projected {
                    return try workspace.packedKeys(role, of: problem, method)
                }
                return role == .g
                    ? try workspace.values(
                        .g, positions, isOperand: !problem.poolsProjections, of: problem, method)
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
                ? try workspace.values(role, pooled, of: problem, method)
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
            let (width, values) = (problem.width, configuration.valueChannels)
            func pooled(_ role: BufferRole, _ pooled: BufferRole, _ channels: Int) throws -> View {
                if problem.route(of: role, method) == .pooled {
                    return try workspace.packedKeys(role, of: problem, method)
                }
                return View(
                    try workspace.required(pooled), channels: channels, positions: geometry.keyGrid.count)
            }
            let pooledPhi = try pooled(.phi, .pooledPhi, width), pooledG = try pooled(.g, .pooledG, values)
            try panelPool.launch(
                launcher, phi: phi, g: g, toPhi: pooledPhi.grouped(by: geometry.keys),
                toG: pooledG.grouped(by: geometry.keys), width: width, valueChannels: values,
                grid: geometry.grid, window: window, keys: geometry.keys.count, items: items)
            (projected[.phi], projected[.g]) = (pooledPhi, pooledG)
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
}
