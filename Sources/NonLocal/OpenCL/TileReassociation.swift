import SwiftOpenCL

/// Products of the re-associated dot-product block, by whichever class of kernels.
protocol ReassociatedProducts: Sendable {
    /// z from what the order projects.
    func run(
        _ launcher: Launcher, _ projected: BlockProjections.Projected, to z: View, items: Int,
        queries chosen: ChosenQueries?, _ workspace: Workspace
    ) throws
}

extension ReassociatedBlock: ReassociatedProducts {}

/// The bare dot-product operation on the tile kernels, re-associated: y = K θ with K = (s/M) g φᵀ.
struct TileReassociation: Sendable {
    let product: TileProductKernels
    private let scale: Double

    init(_ library: KernelLibrary, _ tile: GroupTile, scale: Double) throws {
        product = try TileProductKernels(library, tile)
        self.scale = scale
    }

    func operate(_ launcher: Launcher, _ operands: AttentionOperands, _ workspace: Workspace) throws {
        let (values, width) = (operands.valueChannels, operands.width)
        let keyProduct = try workspace.required(.keyProduct)
        try makeKeyProduct(
            launcher, g: operands.g, phi: operands.phi, to: keyProduct,
            ProductSize(rows: values, terms: operands.keys, columns: width, groups: operands.groups),
            workspace)
        try product.launch(
            launcher, View(matrix: keyProduct, rows: values, terms: width), operands.theta, to: [operands.y],
            heights: [values],
            ProductSize(rows: values, terms: width, columns: operands.rows, groups: operands.groups))
    }

    /// K = (s/M) g φᵀ, `[groups][d_v][d]`
    func makeKeyProduct(
        _ launcher: Launcher, g: View, phi: View, to keyProduct: Buffer<Float>, _ size: ProductSize,
        _ workspace: Workspace
    ) throws {
        try product.launch(
            launcher, g.transposed, phi.transposed,
            to: View(keyProduct, channels: size.rows, positions: size.columns),
            factor: factor(keys: size.terms), size, shared: workspace[.shares])
    }

    /// s/M
    func factor(keys: Int) -> Float { Float(scale / Double(keys)) }
}

extension View {
    /// Matrices `[groups][rows][terms]` as a product's rows.
    fileprivate init(matrix: Buffer<Float>, rows: Int, terms: Int) {
        self.init(matrix, channels: terms, positions: rows, layout: .channelsLast)
    }
}

/// The dot-product block on the tile kernels, from its projections, or from x itself, to z: the products of
/// ``ProductOrder``.
struct TileReassociatedBlock: ReassociatedProducts {
    private let problem: BlockProblem
    private let tail: ProductOrder.Tail
    private let products: TileReassociation
    /// What makes K where φ and g are not computed.
    private let gram: TileGramKernels?
    /// W_z and b_z.
    private let output: StackedLinear
    /// W_θ and b_θ, where θ is not computed.
    private let theta: StackedLinear?

    init(
        _ session: OpenCLSession, _ problem: BlockProblem, _ order: ProductOrder, _ tile: GroupTile,
        _ weights: FoldedWeights
    ) throws {
        self.problem = problem
        tail = order.tail
        let products = try TileReassociation(
            session.library, tile, scale: problem.configuration.scale.value(width: problem.width))
        self.products = products
        gram =
            order.projectsKeys
            ? nil
            : try weights.phi.map {
                try TileGramKernels(session.library, products.product, g: weights.g, phi: $0)
            }
        output = try StackedLinear([weights.output], in: session.context)
        theta =
            order.projectsQueries
            ? nil : try weights.theta.map { try StackedLinear([$0], in: session.context) }
    }

    private var product: TileProductKernels { products.product }

    func run(
        _ launcher: Launcher, _ projected: BlockProjections.Projected, to z: View, items: Int,
        queries chosen: ChosenQueries?, _ workspace: Workspace
    ) throws {
        let (channels, values) = (problem.geometry.channels, problem.configuration.valueChannels)
        let (width, keys) = (problem.width, problem.geometry.keys)
        let groups = items * keys.groups
        let keyProduct = try workspace.required(.keyProduct)
        if let gram {
            try gram.launch(
                launcher, projected.keySource.grouped(by: keys), channels: channels, positions: keys.count,
                groups: groups, factor: products.factor(keys: keys.count), workspace)
        } else {
            try products.makeKeyProduct(
                launcher, g: projected.required(.g).grouped(by: keys),
                phi: projected.required(.phi).grouped(by: keys), to: keyProduct,
                ProductSize(rows: values, terms: keys.count, columns: width, groups: groups), workspace)
        }
        let residual = problem.configuration.residual ? projected.residual : nil
        let bias = TileProductKernels.Bias(buffer: output.bias)

        if tail == .aggregate {
            let y = View(
                try workspace.required(.aggregate), channels: values, positions: projected.rows)
            try apply(
                launcher, keyProduct, rows: values, terms: width, from: projected.required(.theta), to: y,
                items, chosen)
            return try product.launch(
                launcher, output, from: y, residual: residual, to: [z], positions: projected.rows,
                items: items)
        }
        // A = W_z K
        let outputProduct = try workspace.required(.outputProduct)
        try product.launch(
            launcher, output.view, View(keyProduct, channels: values, positions: width),
            to: [View(outputProduct, channels: channels, positions: width)], heights: [channels],
            ProductSize(rows: channels, terms: values, columns: width, groups: groups))
        guard let theta else {
            return try apply(
                launcher, outputProduct, rows: channels, terms: width, from: projected.required(.theta),
                bias: bias, residual: residual, to: z, items, chosen)
        }
        // B = A W_θ and A b_θ + b_z
        let (whole, wholeBias) = (
            try workspace.required(.wholeProduct), try workspace.required(.wholeBias)
        )
        let weight = theta.view.transposed
        var thetaBias = View(theta.bias, channels: width, positions: 1)
        thetaBias.itemStride = 0
        let rows = View(matrix: outputProduct, rows: channels, terms: width)
        try product.launch(
            launcher, rows, weight, to: [View(whole, channels: channels, positions: channels)],
            heights: [channels],
            ProductSize(rows: channels, terms: width, columns: channels, groups: groups))
        try product.launch(
            launcher, rows, thetaBias, to: [View(wholeBias, channels: channels, positions: 1)],
            heights: [channels], bias: bias,
            ProductSize(rows: channels, terms: width, columns: 1, groups: groups))
        try apply(
            launcher, whole, rows: channels, terms: channels, from: projected.source,
            bias: .init(buffer: wholeBias, groupStride: channels), residual: residual, to: z, items, chosen)
    }

    /// The matrix of each group, applied to its positions or to the chosen ones among them.
    private func apply(
        _ launcher: Launcher, _ matrix: Buffer<Float>, rows: Int, terms: Int, from x: View,
        bias: TileProductKernels.Bias? = nil, residual: View? = nil, to y: View, _ items: Int,
        _ chosen: ChosenQueries?
    ) throws {
        let positions = problem.geometry.queries
        let view = View(matrix: matrix, rows: rows, terms: terms)
        guard let chosen else {
            return try product.launch(
                launcher, view, x.grouped(by: positions), to: [y.grouped(by: positions)], heights: [rows],
                bias: bias, residual: residual?.grouped(by: positions),
                ProductSize(
                    rows: rows, terms: terms, columns: positions.count, groups: items * positions.groups))
        }
        for run in chosen.runs {
            let first = run.range.lowerBound
            var (groupView, groupBias) = (view.advanced(byItems: run.group), bias)
            groupView.itemStride *= positions.groups
            groupBias?.offset += run.group * (bias?.groupStride ?? 0)
            groupBias?.groupStride *= positions.groups
            try product.launch(
                launcher, groupView, x.advanced(byPositions: first), to: [y.advanced(byPositions: first)],
                heights: [rows], bias: groupBias, residual: residual?.advanced(byPositions: first),
                ProductSize(rows: rows, terms: terms, columns: run.range.count, groups: items))
        }
    }
}
