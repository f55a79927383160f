import SwiftOpenCL

/// The block on an OpenCL device, stage by stage. It does what its layout says and decides nothing.
struct StagedBlock: Sendable {
    let session: OpenCLSession
    let configuration: NonLocalBlock.Configuration
    let geometry: Geometry
    let attention: StagedAttention
    private let projection: ProjectionKernel
    private let maxPool: MaxPoolKernel
    private let gather: GatherKernel
    private let groupNorm: GroupNormKernels?
    private let theta, phi, scoreTheta, scorePhi: DeviceLinear?
    private let g, output: DeviceLinear
    /// The key that each row of a group is itself.
    private let own: Buffer<Int32>?

    init(
        _ session: OpenCLSession, _ configuration: NonLocalBlock.Configuration, _ geometry: Geometry,
        _ weights: FoldedWeights
    ) throws {
        let context = session.context
        let library = session.library
        self.session = session
        self.configuration = configuration
        self.geometry = geometry
        theta = try weights.theta.map { try DeviceLinear($0, in: context) }
        phi = try weights.phi.map { try DeviceLinear($0, in: context) }
        g = try DeviceLinear(weights.g, in: context)
        output = try DeviceLinear(weights.output, in: context)
        scoreTheta = try weights.scoreTheta.map { try DeviceLinear($0, in: context) }
        scorePhi = try weights.scorePhi.map { try DeviceLinear($0, in: context) }
        projection = try ProjectionKernel(library)
        maxPool = try MaxPoolKernel(library)
        gather = try GatherKernel(library)
        groupNorm = try weights.groupNorm.map {
            try GroupNormKernels(library, $0, channels: geometry.channels)
        }
        attention = try StagedAttention(
            library, formulation: configuration.pairwise.formulation,
            scale: configuration.scale.value(width: weights.theta?.outputs ?? geometry.channels),
            ownWeight: configuration.ownWeight)
        own =
            configuration.ownWeight == .include
            ? nil
            : try Buffer(context, copying: (0..<geometry.queries.count).map(Int32.init), access: .readOnly)
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
    }

    /// Everything in front of the operation: group norm, sub-sampling, θ, φ and g.
    func prepare(
        _ launcher: Launcher, x: View, items: Int, queries: ChosenQueries?, _ workspace: Workspace
    ) throws -> Operands {
        let (channels, positions) = (geometry.channels, geometry.grid.count)
        var features = x
        if let groupNorm {
            features = View(try workspace.required(.normalized), channels: channels, positions: positions)
            try groupNorm.launch(
                launcher, from: x, moments: workspace.required(.moments), to: features, positions: positions,
                items: items)
        }
        var (residual, source, rows) = (x, features, positions)
        if let queries {
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

        func project(_ map: DeviceLinear?, _ view: View, _ positions: Int, _ role: BufferRole) throws -> View
        {
            guard let map else { return view }
            let result = View(try workspace.required(role), channels: map.outputs, positions: positions)
            try projection.launch(launcher, map, from: view, to: result, positions: positions, items: items)
            return result
        }
        func pool(_ view: View, channels: Int, _ role: BufferRole) throws -> View {
            guard let window = geometry.window else { return view }
            let pooled = geometry.keyGrid.count
            let result = View(try workspace.required(role), channels: channels, positions: pooled)
            try maxPool.launch(
                launcher, from: view, grid: geometry.grid, window: window, to: result, pooled: pooled,
                channels: channels, items: items)
            return result
        }

        let width = theta?.outputs ?? channels
        let keys = geometry.keyGrid.count
        let query = try project(theta, source, rows, .theta)
        var (key, value): (View, View)
        if configuration.subsample == .poolFirst {
            let pooled = try pool(features, channels: channels, .pooledInput)
            key = try project(phi, pooled, keys, .phi)
            value = try project(g, pooled, keys, .g)
        } else {
            key = try pool(project(phi, features, positions, .phi), channels: width, .pooledPhi)
            value = try pool(project(g, features, positions, .g), channels: g.outputs, .pooledG)
        }
        key = try project(scorePhi, key, keys, .phiScores)
        return Operands(
            residual: residual, theta: try project(scoreTheta, query, rows, .thetaScores), phi: key, g: value,
            y: View(try workspace.required(.aggregate), channels: g.outputs, positions: rows),
            width: scoreTheta == nil ? width : 1, rows: rows)
    }

    /// The operation itself, for all groups or for those of the chosen queries.
    ///
    /// - Parameter sink: gets the normalised affinities of each block and, for a group and row of the block,
    ///   the item and the row of `operands` they belong to; y is then not computed.
    func operate(
        _ launcher: Launcher, _ operands: Operands, items: Int, queries: ChosenQueries?, blocks: RowBlocks,
        _ workspace: Workspace, sink: ((RowBlock, (Int, Int) -> (item: Int, row: Int)) throws -> Void)? = nil
    ) throws {
        let affinities = try workspace.required(.affinity)
        let (phi, g) = (operands.phi.grouped(by: geometry.keys), operands.g.grouped(by: geometry.keys))
        func run(
            _ theta: View, _ phi: View, _ g: View, _ y: View, groups: Int, rows: Int, own: Buffer<Int32>?,
            firstOwn: Int, place: @escaping (Int, Int) -> (item: Int, row: Int)
        ) throws {
            try attention.run(
                launcher,
                .init(
                    theta: theta, phi: phi, g: g, y: y, width: operands.width,
                    valueChannels: self.g.outputs, groups: groups, rows: rows, own: own, firstOwn: firstOwn),
                blocks: blocks, affinities: affinities,
                sink: sink.map { sink in { try sink($0, place) } })
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
    func finish(_ launcher: Launcher, _ operands: Operands, to z: View, items: Int) throws {
        try projection.launch(
            launcher, output, from: operands.y, residual: configuration.residual ? operands.residual : nil,
            to: z,
            positions: operands.rows, items: items)
    }
}
