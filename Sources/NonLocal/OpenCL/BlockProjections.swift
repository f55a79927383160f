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
        let slice = Slice(launcher: launcher, items: items, workspace: workspace)
        let features = try normalized(launcher, x, items: items, workspace)
        let residual = try gathered(x, queries, .gatheredInput, slice)
        let source =
            groupNorm == nil ? residual : try gathered(features, queries, .gatheredNormalized, slice)
        let pools = configuration.subsample == .poolFirst
        let keySource =
            pools ? try pooled(features, channels: geometry.channels, .pooledInput, slice) : features
        var result = Projected(
            residual: residual, source: source, keySource: keySource, views: [:], whole: [:],
            rows: queries?.count ?? geometry.grid.count)
        for roles in problem.projectionGroups(method) {
            guard let maps = maps[roles] else { continue }
            let isOfQueries = roles.contains(.theta)
            let views = try project(
                roles, maps, from: isOfQueries ? source : keySource,
                isOfQueries ? result.rows : problem.projectedPositions, slice)
            for (role, view) in zip(roles, views) { result.views[role] = view }
        }
        result.whole = result.views
        if !pools { try poolKeys(&result, slice) }
        return result
    }

    /// What a slice of the batch is worked on with.
    private struct Slice {
        let launcher: Launcher
        let items: Int
        let workspace: Workspace
    }

    /// A tensor at the chosen queries, or as it is where none are chosen.
    private func gathered(
        _ view: View, _ queries: ChosenQueries?, _ role: BufferRole, _ slice: Slice
    ) throws -> View {
        guard let queries, let gather else { return view }
        let channels = geometry.channels
        let result = View(
            try slice.workspace.required(role), channels: channels, positions: queries.count)
        try gather.launch(
            slice.launcher, from: view, index: queries.positions, to: result, channels: channels,
            items: slice.items)
        return result
    }

    /// Projections of one tensor, where and in the form in which the method wants them.
    private func project(
        _ roles: [BufferRole], _ maps: Projector.Maps, from view: View, _ positions: Int, _ slice: Slice
    ) throws -> [View] {
        let workspace = slice.workspace
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
            slice.launcher, maps, from: byFrame(view), to: views.map(byFrame),
            positions: frames?.count ?? positions, items: slice.items * (frames?.groups ?? 1), workspace)
        return views
    }

    /// Puts φ, or x in its place, and g after max pooling in the place of themselves before it, if there is any.
    private func poolKeys(_ projected: inout Projected, _ slice: Slice) throws {
        let (width, values) = (problem.width, configuration.valueChannels)
        let phi = projected.views[.phi] ?? (problem.projectsAffinity ? nil : projected.keySource)
        guard let panelPool, let window = geometry.window, let phi, let g = projected.views[.g] else {
            if let phi { projected.views[.phi] = try pooled(phi, channels: width, .pooledPhi, slice) }
            if let g = projected.views[.g] {
                projected.views[.g] = try pooled(g, channels: values, .pooledG, slice)
            }
            return
        }
        func target(_ role: BufferRole, _ pooled: BufferRole, _ channels: Int) throws -> View {
            if problem.route(of: role, method) == .pooled {
                return try slice.workspace.packedKeys(role, of: problem, method)
            }
            return View(
                try slice.workspace.required(pooled), channels: channels, positions: geometry.keyGrid.count)
        }
        let pooledPhi = try target(.phi, .pooledPhi, width), pooledG = try target(.g, .pooledG, values)
        try panelPool.launch(
            slice.launcher, phi: phi, g: g, toPhi: pooledPhi.grouped(by: geometry.keys),
            toG: pooledG.grouped(by: geometry.keys), width: width, valueChannels: values,
            grid: geometry.grid, window: window, keys: geometry.keys.count, items: slice.items)
        (projected.views[.phi], projected.views[.g]) = (pooledPhi, pooledG)
    }

    /// A tensor after max pooling, or as it is where there is no window.
    private func pooled(
        _ view: View, channels: Int, _ role: BufferRole, _ slice: Slice
    ) throws -> View {
        guard let window = geometry.window else { return view }
        let positions = geometry.keyGrid.count
        let result =
            role == .pooledG
            ? try slice.workspace.values(role, positions, of: problem, method)
            : View(try slice.workspace.required(role), channels: channels, positions: positions)
        if let maxPool {
            try maxPool.launch(
                slice.launcher, from: view, grid: geometry.grid, window: window, to: result,
                pooled: positions, channels: channels, items: slice.items)
        } else if let panelPool {
            try panelPool.launch(
                slice.launcher, from: view, to: result, channels: channels, grid: geometry.grid,
                window: window, pooled: positions, items: slice.items)
        }
        return result
    }
}
