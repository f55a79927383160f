import SwiftOpenCL

/// Takes the sums of a block's run that linear algebra says must agree, by kernels of their own: those of x against those
/// of θ, φ and g, of y against z, and what attention needs to give out its own.
struct BlockSums: Sendable {
    /// Sums of one tensor in front of the projections, or of the residual.
    struct Input: Sendable {
        enum Source: Sendable { case queries, keys, residual }

        let source: Source
        /// What the maps make; `.output` stands for the residual.
        let roles: [BufferRole]
        let maps: SummedMaps
        let table: SumTable
        let row: Int
        fileprivate let weights: Weights
    }

    /// Sums' weights on the device.
    fileprivate struct Weights: Sendable {
        let rows: Buffer<Float>
        let squares: Buffer<Float>
        let count: Int
        let channels: Int

        init(_ rows: [[Float]], squares: [Float], in context: Context) throws {
            self.rows = try Buffer(context, copying: rows.flatMap { $0 }, access: .readOnly)
            self.squares = try Buffer(context, copying: squares, access: .readOnly)
            count = rows.count
            channels = squares.count
        }

        var kernelArguments: ChecksumKernels.Weights {
            ChecksumKernels.Weights(
                view: View(shared: rows, rows: count, channels: channels), rows: count, squares: squares)
        }
    }

    let problem: BlockProblem
    let method: Method
    let inputs: [Input]
    let output: SummedMaps
    private let kernels: ChecksumKernels
    private let signs: [BufferRole: Weights]
    private let aggregate: Weights
    private let result: Weights
    private let ones: Buffer<Float>

    private var geometry: Geometry { problem.geometry }
    private var configuration: NonLocalBlock.Configuration { problem.configuration }

    init(
        _ session: OpenCLSession, _ problem: BlockProblem, _ method: Method, _ weights: FoldedWeights
    ) throws {
        self.problem = problem
        self.method = method
        kernels = try ChecksumKernels(session.library, method.tile)
        let context = session.context
        let (channels, values) = (problem.geometry.channels, problem.configuration.valueChannels)
        func ones(_ count: Int) -> [Float] { Array(repeating: 1, count: count) }
        func signs(_ count: Int) throws -> Weights {
            try Weights([SummedMap.signs(count)], squares: ones(count), in: context)
        }
        let maps: [BufferRole: Linear?] = [.theta: weights.theta, .phi: weights.phi, .g: weights.g]
        let output = SummedMap(weights.output)
        let residual = SummedMap(signsOf: channels)
        var inputs: [Input] = []
        func add(_ source: Input.Source, _ roles: [BufferRole], _ maps: [SummedMap]) throws {
            let maps = SummedMaps(maps)
            let (table, row): (SumTable, Int) =
                switch source {
                case .queries: (.queries, SumRow.input)
                case .keys: (.projected, SumRow.keyInput)
                case .residual: (.queries, SumRow.residual)
                }
            inputs.append(
                Input(
                    source: source, roles: roles, maps: maps, table: table, row: row,
                    weights: try Weights(maps.maps.map(\.weight), squares: maps.squares, in: context)))
        }
        var addsResidual = problem.configuration.residual && problem.computesOutput(method)
        for roles in problem.projectionGroups(method.order) {
            var summed = roles.compactMap { maps[$0] ?? nil }.map(SummedMap.init)
            guard roles.contains(.theta) else {
                try add(.keys, roles, summed)
                continue
            }
            var roles = roles
            if addsResidual, problem.normGroups == 0 {
                roles.append(.output)
                summed.append(residual)
                addsResidual = false
            }
            try add(.queries, roles, summed)
        }
        if addsResidual { try add(.residual, [.output], [residual]) }
        self.inputs = inputs
        self.signs = [
            .theta: try signs(problem.thetaWidth), .phi: try signs(problem.width), .g: try signs(values),
        ]
        self.output = SummedMaps([output])
        aggregate = try Weights(
            [SummedMap.signs(values), output.weight], squares: self.output.squares, in: context)
        result = try signs(channels)
        self.ones = try Buffer(context, copying: ones(problem.geometry.keys.count), access: .readOnly)
    }

    /// A table of sums.
    private func table(_ table: SumTable, _ workspace: Workspace) throws -> View {
        let size = problem.sumSize(table, method)
        return View(try workspace.required(table.role), channels: size.rows, positions: size.positions)
    }

    /// Takes g's sums, which attention is to weigh, and says where its own go; none where it gives out none.
    func beforeAttention(
        _ launcher: Launcher, g: View, items: Int, _ workspace: Workspace
    ) throws -> AttentionOperands.Sums? {
        guard problem.sumsAttention(method) else { return nil }
        let keys = try table(.keys, workspace).advanced(byChannels: SumRow.g)
        try sum(
            launcher, .g, g, configuration.valueChannels, positions: geometry.keyGrid.count, items: items,
            packedTo: keys.grouped(by: geometry.keys), to: keys)
        return AttentionOperands.Sums(
            values: keys.grouped(by: geometry.keys),
            rows: try table(.queries, workspace).advanced(byChannels: SumRow.attention)
                .grouped(by: geometry.queries), ones: ones)
    }

    /// Takes all other sums of a slice.
    ///
    /// - Parameters:
    ///   - operands: none where the products are re-associated.
    ///   - z: as computed by W_z; none where it is another product.
    func afterAll(
        _ launcher: Launcher, _ projected: BlockProjections.Projected, _ operands: BlockExecutor.Operands?,
        z: View?, items: Int, _ workspace: Workspace
    ) throws {
        let (queries, whole) = (try table(.queries, workspace), try table(.projected, workspace))
        for input in inputs {
            let (x, positions) =
                switch input.source {
                case .queries: (projected.source, problem.rows)
                case .keys: (projected.keySource, problem.projectedPositions)
                case .residual: (projected.residual, problem.rows)
                }
            try launch(
                launcher, x, input.weights, positions: positions, items: items,
                to: (input.table == .queries ? queries : whole).advanced(byChannels: input.row))
        }
        if problem.poolsProjections {
            for (role, row) in [(BufferRole.phi, SumRow.wholePhi), (.g, SumRow.wholeG)] {
                guard let view = projected.whole[role], let signs = signs[role] else { continue }
                try launch(
                    launcher, view, signs, positions: problem.projectedPositions, items: items,
                    to: whole.advanced(byChannels: row))
            }
        } else if let g = projected.views[.g], !problem.sumsAttention(method) {
            let keys = try table(.keys, workspace).advanced(byChannels: SumRow.g)
            try sum(
                launcher, .g, g, configuration.valueChannels, positions: geometry.keyGrid.count, items: items,
                packedTo: keys.grouped(by: geometry.keys), to: keys)
        }
        try sumPhi(launcher, projected, operands, items: items, workspace)
        try sumTheta(launcher, projected, operands, items: items, workspace)
        guard let operands, let z else { return }
        try launch(
            launcher, operands.y, aggregate, positions: problem.rows, items: items,
            to: queries.advanced(byChannels: SumRow.aggregate))
        try launch(
            launcher, z, result, positions: problem.rows, items: items,
            to: queries.advanced(byChannels: SumRow.result))
    }

    /// Sums of φ over its channels, where it is a projection, and over its positions, where attention's are compared
    /// with them.
    private func sumPhi(
        _ launcher: Launcher, _ projected: BlockProjections.Projected, _ operands: BlockExecutor.Operands?,
        items: Int, _ workspace: Workspace
    ) throws {
        guard let signs = signs[.phi], let phi = projected.views[.phi] ?? operands?.phi else { return }
        let keys = try table(.keys, workspace).advanced(byChannels: SumRow.phi)
        let channelSums = try workspace.required(.channelSums)
        let size = ChecksumKernels.Size(
            channels: problem.width, positions: geometry.keys.count,
            groups: items * geometry.keys.groups)
        guard phi.form == .strided else {
            return try kernels.launch(
                launcher, ofRows: phi, weights: signs.rows, size, to: keys.grouped(by: geometry.keys),
                overPositions: channelSums)
        }
        if !problem.poolsProjections, projected.views[.phi] != nil {
            try launch(
                launcher, phi, signs, positions: geometry.keyGrid.count, items: items, to: keys)
        }
        if problem.sumsScores(method) {
            try kernels.launch(
                launcher, overPositionsOf: phi.grouped(by: geometry.keys), weights: signs.rows, size,
                to: channelSums)
        }
    }

    /// Sums of θ over its channels, alone and times Σ_j φ_j.
    private func sumTheta(
        _ launcher: Launcher, _ projected: BlockProjections.Projected, _ operands: BlockExecutor.Operands?,
        items: Int, _ workspace: Workspace
    ) throws {
        let sums = try table(.queries, workspace).advanced(byChannels: SumRow.theta)
        guard problem.sumsScores(method), let operands else {
            guard let theta = projected.views[.theta], let signs = signs[.theta] else { return }
            // The product's row stays free.
            return try launch(
                launcher, theta, signs, positions: problem.rows, items: items, to: sums)
        }
        var weights = View(
            try workspace.required(.channelSums), channels: SumRow.ofChannels, positions: problem.width)
        weights.groups = 1
        try kernels.launch(
            launcher, of: operands.theta.grouped(by: geometry.queries),
            ChecksumKernels.Weights(view: weights, rows: 2, squares: signs[.theta]?.squares),
            ChecksumKernels.Size(
                channels: problem.width, positions: geometry.queries.count,
                groups: items * geometry.queries.groups),
            to: sums.grouped(by: geometry.queries))
    }

    /// Sums over the channels of a tensor, packed by keys or not.
    private func sum(
        _ launcher: Launcher, _ role: BufferRole, _ x: View, _ channels: Int, positions: Int, items: Int,
        packedTo packed: View, to sums: View
    ) throws {
        guard let signs = signs[role] else { return }
        guard x.form != .strided else {
            return try launch(launcher, x, signs, positions: positions, items: items, to: sums)
        }
        try kernels.launch(
            launcher, ofKeys: x, weights: signs.rows,
            ChecksumKernels.Size(
                channels: channels, positions: geometry.keys.count, groups: items * geometry.keys.groups),
            to: packed)
    }

    private func launch(
        _ launcher: Launcher, _ x: View, _ weights: Weights, positions: Int, items: Int, to sums: View
    ) throws {
        try kernels.launch(
            launcher, of: x, weights.kernelArguments,
            ChecksumKernels.Size(channels: weights.channels, positions: positions, groups: items), to: sums)
    }
}

extension BlockProblem {
    /// Whether z is a projection of y.
    func computesOutput(_ method: Method) -> Bool { method.order == nil }

    /// Whether attention gives out its own sums.
    func sumsAttention(_ method: Method) -> Bool {
        guard method.sums, method.warp == nil else { return false }
        return switch method.strategy {
        case .staged: true
        case .fused: method.tile?.sums == true || method.groupTile != nil
        default: false
        }
    }

    /// Whether the sums of scores are known from θ and φ: they are products, and all of them are computed.
    func sumsScores(_ method: Method) -> Bool {
        sumsAttention(method) && score == .dotProduct
            && (method.strategy == .staged || configuration.ownWeight == .include)
    }
}
