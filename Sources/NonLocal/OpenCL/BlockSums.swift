import SwiftOpenCL

/// Takes the sums of a block's run that linear algebra says must agree, by kernels of their own: those of x against those
/// of θ, φ and g, those of φ and g against what maps of the queries make of them, of y against z, and what attention needs
/// to give out its own.
struct BlockSums: Sendable {
    let problem: BlockProblem
    let method: Method
    let inputs: [SumInput]
    let output: SummedMaps
    private let kernels: ChecksumKernels
    private let signs: [Summed: SumWeights]
    private let aggregate: SumWeights
    private let result: SumWeights
    private let ones: Buffer<Float>

    private var geometry: Geometry { problem.geometry }
    private var sizes: PairSizes { problem.attentionSizes(method) }

    init(
        _ session: OpenCLSession, _ problem: BlockProblem, _ method: Method, _ weights: FoldedWeights
    ) throws {
        self.problem = problem
        self.method = method
        kernels = try ChecksumKernels(session.library, method.tile)
        let context = session.context
        let (channels, values) = (problem.geometry.channels, problem.configuration.valueChannels)
        func ones(_ count: Int) -> [Float] { Array(repeating: 1, count: count) }
        func signs(_ count: Int) throws -> SumWeights {
            try SumWeights([SummedMap.signs(count)], squares: ones(count), in: context)
        }
        inputs = try SumInput.all(of: problem, method, weights, in: context)
        self.signs = [
            .theta: try signs(problem.thetaWidth), .phi: try signs(problem.width), .g: try signs(values),
            .absorbedPhi: try signs(channels), .scoreBias: try signs(1), .absorbedG: try signs(channels),
        ]
        output = SummedMaps([SummedMap(weights.output)])
        aggregate = try SumWeights(
            [SummedMap.signs(values), output.maps[0].weight], squares: output.squares, in: context)
        result = try signs(channels)
        self.ones = try Buffer(context, copying: ones(problem.geometry.keys.count), access: .readOnly)
    }

    /// v for the channels of a tensor.
    private func signs(_ summed: Summed) throws -> SumWeights {
        guard let weights = signs[summed] else { throw AttentionOperands.noSums }
        return weights
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
        try sum(g, method.aggregated, launcher, items: items, workspace)
        let keys = try table(.keys, workspace).advanced(byChannels: SumRow.g)
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
                case .phi: (try projected.required(.phi), geometry.keyGrid.count)
                case .g: (try projected.required(.g), geometry.keyGrid.count)
                }
            try launch(
                launcher, x, input.weights, positions: positions, items: items,
                to: table(input.table, workspace).advanced(byChannels: input.row))
        }
        for (role, summed, row) in [(BufferRole.phi, Summed.phi, SumRow.wholePhi), (.g, .g, SumRow.wholeG)] {
            guard problem.sumsWhole(summed, method), let view = projected.whole[role] else { continue }
            try launch(
                launcher, view, signs(summed), positions: problem.projectedPositions, items: items,
                to: whole.advanced(byChannels: row))
        }
        if let g = projected.views[.g], !problem.sumsWhole(.g, method), !problem.sumsAttention(method) {
            try sum(g, .g, launcher, items: items, workspace)
        }
        if let bias = operands?.bias {
            let row = problem.absorbedSums(method) + SumRow.scoreBias
            try launch(
                launcher, bias, signs(.scoreBias), positions: geometry.keys.count,
                items: items * geometry.keys.groups,
                to: table(.keys, workspace).advanced(byChannels: row).grouped(by: geometry.keys))
        }
        try sumPhi(launcher, projected, operands, items: items, workspace)
        try sumTheta(launcher, projected, operands, items: items, workspace)
        guard let operands, let z else { return }
        if !method.absorbed.contains(.output) {
            try launch(
                launcher, operands.y, aggregate, positions: problem.rows, items: items,
                to: queries.advanced(byChannels: SumRow.aggregate))
        }
        try launch(
            launcher, z, result, positions: problem.rows, items: items,
            to: queries.advanced(byChannels: SumRow.result))
    }

    /// Sums of φ, or of what W_θ made of it, over its channels, where it is a projection, and over its positions, where
    /// attention's are compared with them.
    private func sumPhi(
        _ launcher: Launcher, _ projected: BlockProjections.Projected, _ operands: BlockExecutor.Operands?,
        items: Int, _ workspace: Workspace
    ) throws {
        let projection = method.compared == .phi ? projected.views[.phi] : nil
        guard let phi = projection ?? operands?.phi else { return }
        let signs = try signs(method.compared)
        let keys = try table(.keys, workspace).advanced(byChannels: SumRow.phi)
        let channelSums = try workspace.required(.channelSums)
        let size = ChecksumKernels.Size(
            channels: sizes.width, positions: geometry.keys.count,
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

    /// Sums of θ, or of x in its place, over its channels, alone and times Σ_j φ_j.
    private func sumTheta(
        _ launcher: Launcher, _ projected: BlockProjections.Projected, _ operands: BlockExecutor.Operands?,
        items: Int, _ workspace: Workspace
    ) throws {
        let sums = try table(.queries, workspace).advanced(byChannels: SumRow.theta)
        guard problem.sumsScores(method), let operands else {
            guard let theta = projected.views[.theta] else { return }
            // The product's row stays free.
            return try launch(
                launcher, theta, signs(.theta), positions: problem.rows, items: items, to: sums)
        }
        var weights = View(
            try workspace.required(.channelSums), channels: SumRow.ofChannels, positions: sizes.width)
        weights.groups = 1
        try kernels.launch(
            launcher, of: operands.theta.grouped(by: geometry.queries),
            ChecksumKernels.Weights(view: weights, rows: 2, squares: signs(method.compared).squares),
            ChecksumKernels.Size(
                channels: sizes.width, positions: geometry.queries.count,
                groups: items * geometry.queries.groups),
            to: sums.grouped(by: geometry.queries))
    }

    /// Sums of g, or of what W_z made of it, over its channels, packed by keys or not.
    private func sum(
        _ g: View, _ summed: Summed, _ launcher: Launcher, items: Int, _ workspace: Workspace
    ) throws {
        let keys = try table(.keys, workspace).advanced(byChannels: SumRow.g)
        let signs = try signs(summed)
        if g.form == .strided {
            try launch(launcher, g, signs, positions: geometry.keyGrid.count, items: items, to: keys)
        } else {
            try kernels.launch(
                launcher, ofKeys: g, weights: signs.rows,
                ChecksumKernels.Size(
                    channels: signs.channels, positions: geometry.keys.count,
                    groups: items * geometry.keys.groups),
                to: keys.grouped(by: geometry.keys))
        }
    }

    private func launch(
        _ launcher: Launcher, _ x: View, _ weights: SumWeights, positions: Int, items: Int, to sums: View
    ) throws {
        try kernels.launch(
            launcher, of: x, weights.kernelArguments,
            ChecksumKernels.Size(channels: weights.channels, positions: positions, groups: items), to: sums)
    }
}
