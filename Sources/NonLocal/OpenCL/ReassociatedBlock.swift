import SwiftOpenCL

/// The dot-product block from its projections, or from x itself, to z: the products of ``ProductOrder``.
///
/// Matrices are `[groups][rows][columns]`; one with its strides exchanged is its transpose.
struct ReassociatedBlock: Sendable {
    private let problem: BlockProblem
    private let order: ProductOrder
    private let scale: Double
    private let gram: PanelGramKernels
    private let product: MatrixProduct
    private let projection: PanelProjectionKernels
    /// W_g without its bias, the bias, and [W_φ b_φ]: of the Gram matrix.
    private let values: PackedLinear?
    private let valueBias: Buffer<Float>
    private let keys: PackedLinear?
    /// W_z and b_z: together where y is computed, W_z without its bias else.
    private let output: PackedLinear
    /// What is added to the matrix's product: b_z, or nothing for y.
    private let bias: Buffer<Float>
    /// W_θᵀ and b_θᵀ, where θ is not computed.
    private let queries: PackedLinear?
    private let queryBias: PackedLinear?

    init(
        _ session: OpenCLSession, _ problem: BlockProblem, _ order: ProductOrder, _ tile: PanelTile,
        _ weights: FoldedWeights
    ) throws {
        self.problem = problem
        self.order = order
        scale = problem.configuration.scale.value(width: problem.width)
        gram = try PanelGramKernels(session.library, tile)
        product = try MatrixProduct(session.library, tile)
        projection = try PanelProjectionKernels(session.library, tile)
        let pack = try PanelPackKernels(session.library, tile)
        func load(_ map: Linear) throws -> PackedLinear {
            try PackedLinear([map], pack, tile, in: session)
        }
        func buffer(_ values: [Double]) throws -> Buffer<Float> {
            try Buffer(session.context, copying: values.map(Float.init), access: .readOnly)
        }
        guard let theta = weights.theta, let phi = weights.phi else {
            throw NonLocalError(.configuration, "a block without θ and φ can't be re-associated")
        }
        let usesGram = order.head == .gram
        values = usesGram ? try load(weights.g.withoutBias) : nil
        valueBias = try buffer(weights.g.bias)
        keys = usesGram ? try load(phi.onesAppended) : nil
        let isAggregate = order.tail == .aggregate
        output = try load(isAggregate ? weights.output : weights.output.withoutBias)
        bias = try buffer(
            isAggregate ? Array(repeating: 0, count: weights.g.outputs) : weights.output.bias)
        queries = order.tail == .whole ? try load(theta.transposed) : nil
        queryBias = order.tail == .whole ? try load(theta.biasAsMap) : nil
    }

    /// z from what the order projects.
    func run(
        _ launcher: Launcher, _ projected: BlockProjections.Projected, to z: View, items: Int,
        queries chosen: ChosenQueries?, _ workspace: Workspace
    ) throws {
        let scratch = try workspace.required(.scratch)
        let groups = items * problem.geometry.keys.groups
        switch order.head {
        case .projected: try makeKeyProduct(launcher, projected, groups, workspace)
        case .gram: try makeKeyProductFromGram(launcher, projected.keySource, groups, workspace)
        }
        let residual = problem.configuration.residual ? projected.residual : nil
        let matrix = try load(launcher, groups, workspace)
        guard order.tail == .aggregate else {
            let x = order.projectsQueries ? try projected.required(.theta) : projected.source
            return try apply(
                launcher, matrix, from: x, residual: residual, to: z, items: items, chosen, scratch)
        }
        let y = View(
            try workspace.required(.aggregate), channels: problem.configuration.valueChannels,
            positions: projected.rows)
        try apply(
            launcher, matrix, from: projected.required(.theta), residual: nil, to: y, items: items, chosen,
            scratch)
        if let residual {
            try projection.launch(
                launcher, output, from: y, residual: residual, to: z, positions: projected.rows, items: items,
                scratch: scratch)
        } else {
            try projection.launch(
                launcher, output, from: y, to: [z], positions: projected.rows, items: items, scratch: scratch)
        }
    }

    private var factor: Float { Float(scale / Double(problem.geometry.keys.count)) }

    /// K = (s/M) g φᵀ
    private func makeKeyProduct(
        _ launcher: Launcher, _ projected: BlockProjections.Projected, _ groups: Int, _ workspace: Workspace
    ) throws {
        let (rows, columns) = (problem.configuration.valueChannels, problem.width)
        try gram.launch(
            launcher, projected.required(.g).grouped(by: problem.geometry.keys),
            projected.required(.phi).grouped(by: problem.geometry.keys),
            to: View(workspace.required(.keyProduct), channels: rows, positions: columns), rows: rows,
            columns: columns, positions: problem.geometry.keys.count, groups: groups, factor: factor,
            PanelGramKernels.Room(workspace))
    }

    /// K = (s/M) [W_g b_g] G [W_φ b_φ]ᵀ, G = Σ [x; 1] [x; 1]ᵀ
    private func makeKeyProductFromGram(
        _ launcher: Launcher, _ x: View, _ groups: Int, _ workspace: Workspace
    ) throws {
        guard let values, let keys else { return }
        let channels = problem.geometry.channels
        let (rows, columns) = (problem.configuration.valueChannels, problem.width)
        let (moments, half) = (try workspace.required(.gram), try workspace.required(.valueGram))
        let scratch = try workspace.required(.scratch)
        let momentsView = View(moments, channels: channels, positions: channels + 2)
        let positions = problem.geometry.keys.count
        try gram.launch(
            launcher, x.grouped(by: problem.geometry.keys), centre: workspace.required(.centre),
            to: momentsView, channels: channels, positions: positions, groups: groups,
            PanelGramKernels.Room(workspace))
        let halfView = View(half, channels: rows, positions: channels + 2)
        try projection.launch(
            launcher, values, from: momentsView, to: [halfView], positions: channels + 2, items: groups,
            scratch: scratch)
        try gram.launchUncentre(
            launcher, half, bias: valueBias, moments: moments, rows: rows, channels: channels,
            positions: positions, groups: groups, factor: factor)
        let product = View(try workspace.required(.keyProduct), channels: rows, positions: columns)
        try projection.launch(
            launcher, keys, from: halfView.transposed, to: [product.transposed], positions: rows,
            items: groups, scratch: scratch)
    }

    /// K, A = W_z K, or B = A W_θ with A b_θ + b_z, ready to be applied to positions.
    private func load(_ launcher: Launcher, _ groups: Int, _ workspace: Workspace) throws -> PackedLinear {
        let scratch = try workspace.required(.scratch)
        let (channels, width) = (problem.geometry.channels, problem.width)
        var (matrix, bias, isBiasShared) = (try workspace.required(.keyProduct), bias, true)
        if order.tail != .aggregate {
            let product = try workspace.required(.outputProduct)
            let view = View(product, channels: channels, positions: width)
            try projection.launch(
                launcher, output,
                from: View(matrix, channels: problem.configuration.valueChannels, positions: width),
                to: [view], positions: width, items: groups, scratch: scratch)
            matrix = product
            if let queries, let queryBias {
                let whole = try workspace.required(.wholeProduct)
                let wholeBias = try workspace.required(.wholeBias)
                try projection.launch(
                    launcher, queries, from: view.transposed,
                    to: [View(whole, channels: channels, positions: channels).transposed],
                    positions: channels, items: groups, scratch: scratch)
                var added = View(bias, channels: 1, positions: channels)
                added.itemStride = 0
                try projection.launch(
                    launcher, queryBias, from: view.transposed, residual: added,
                    to: View(wholeBias, channels: 1, positions: channels), positions: channels, items: groups,
                    scratch: scratch)
                (matrix, bias, isBiasShared) = (whole, wholeBias, false)
            }
        }
        let size = problem.applied(order)
        return try product.load(
            launcher, matrix, rows: size.rows, terms: size.terms, groups: groups, bias: bias,
            isBiasShared: isBiasShared, packed: workspace.required(.packedProduct))
    }

    /// The matrix of each group, applied to its positions or to the chosen ones among them.
    private func apply(
        _ launcher: Launcher, _ matrix: PackedLinear, from x: View, residual: View?, to y: View, items: Int,
        _ chosen: ChosenQueries?, _ scratch: Buffer<Float>
    ) throws {
        let positions = problem.geometry.queries
        guard let chosen else {
            return try product.launch(
                launcher, matrix, from: x.grouped(by: positions), residual: residual?.grouped(by: positions),
                to: y.grouped(by: positions), positions: positions.count, items: items * positions.groups,
                scratch: scratch)
        }
        for run in chosen.runs {
            let first = run.range.lowerBound
            try product.launch(
                launcher, matrix.group(run.group, of: positions.groups), from: x.advanced(byPositions: first),
                residual: residual?.advanced(byPositions: first), to: y.advanced(byPositions: first),
                positions: run.range.count, items: items, scratch: scratch)
        }
    }
}

extension Linear {
    fileprivate var withoutBias: Linear {
        Linear(
            outputs: outputs, inputs: inputs, weight: weight, bias: Array(repeating: 0, count: outputs))
    }
}
