import SwiftOpenCL

/// Applies a matrix that was computed on the device, another one for each group, to positions.
struct MatrixProduct: Sendable {
    private let pack: PanelPackKernels
    private let projection: PanelProjectionKernels
    private let tile: PanelTile

    init(_ library: KernelLibrary, _ tile: PanelTile) throws {
        pack = try PanelPackKernels(library, tile)
        projection = try PanelProjectionKernels(library, tile)
        self.tile = tile
    }

    /// Packs matrices for ``launch(_:_:from:residual:to:positions:items:scratch:)``.
    ///
    /// - Parameters:
    ///   - matrix: `[groups][rows][terms]`
    ///   - packed: room for all of them.
    ///   - bias: `[rows]`, or `[groups][rows]` if each has its own.
    func load(
        _ launcher: Launcher, _ matrix: Buffer<Float>, rows: Int, terms: Int, groups: Int,
        bias: Buffer<Float>, isBiasShared: Bool, packed: Buffer<Float>
    ) throws -> PackedLinear {
        try pack.launch(
            launcher, from: View(matrix, channels: terms, positions: rows, layout: .channelsLast),
            to: tile.view(packed, .byRows, channels: terms, positions: rows, groups: 1), channels: terms,
            positions: rows, groups: groups)
        return PackedLinear(
            weight: packed, bias: bias, inputs: terms, outputs: [rows],
            weightAt: SIMD2(0, Int64(tile.packedByRows(rows, terms))),
            biasAt: SIMD2(0, isBiasShared ? 0 : Int64(rows)))
    }

    /// y = matrix · x + bias (+ residual)
    func launch(
        _ launcher: Launcher, _ matrix: PackedLinear, from x: View, residual: View?, to y: View,
        positions: Int, items: Int, scratch: Buffer<Float>
    ) throws {
        if let residual {
            try projection.launch(
                launcher, matrix, from: x, residual: residual, to: y, positions: positions, items: items,
                scratch: scratch)
        } else {
            try projection.launch(
                launcher, matrix, from: x, to: [y], positions: positions, items: items, scratch: scratch)
        }
    }
}

extension PackedLinear {
    fileprivate init(
        weight: Buffer<Float>, bias: Buffer<Float>, inputs: Int, outputs: [Int], weightAt: SIMD2<Int64>,
        biasAt: SIMD2<Int64>
    ) {
        self.weight = weight
        self.bias = bias
        self.inputs = inputs
        self.outputs = outputs
        self.weightAt = weightAt
        self.biasAt = biasAt
    }

    /// The map as it is for one group, and from there on for each item's same group.
    func group(_ group: Int, of groups: Int) -> PackedLinear {
        var map = self
        map.weightAt = SIMD2(weightAt.x + Int64(group) * weightAt.y, weightAt.y * Int64(groups))
        map.biasAt = SIMD2(biasAt.x + Int64(group) * biasAt.y, biasAt.y * Int64(groups))
        return map
    }
}

/// The bare dot-product operation, re-associated: y = K θ with K = (s/M) g φᵀ.
struct ReassociatedAttention: Sendable {
    private let gram: PanelGramKernels
    private let product: MatrixProduct
    private let scale: Double
    private let zeros: Buffer<Float>

    init(_ library: KernelLibrary, _ tile: PanelTile, scale: Double, valueChannels: Int) throws {
        gram = try PanelGramKernels(library, tile)
        product = try MatrixProduct(library, tile)
        self.scale = scale
        zeros = try Buffer(
            library.context, copying: [Float](repeating: 0, count: valueChannels), access: .readOnly)
    }

    func run(_ launcher: Launcher, _ operands: AttentionOperands, _ workspace: Workspace) throws {
        let (rows, columns) = (operands.valueChannels, operands.width)
        let matrix = try workspace.required(.keyProduct)
        try gram.launch(
            launcher, operands.g, operands.phi, to: View(matrix, channels: rows, positions: columns),
            rows: rows, columns: columns, positions: operands.keys, groups: operands.groups,
            factor: Float(scale / Double(operands.keys)), PanelGramKernels.Room(workspace))
        let map = try product.load(
            launcher, matrix, rows: rows, terms: columns, groups: operands.groups, bias: zeros,
            isBiasShared: true, packed: workspace.required(.packedProduct))
        try product.launch(
            launcher, map, from: operands.theta, residual: nil, to: operands.y, positions: operands.rows,
            items: operands.groups, scratch: workspace.required(.scratch))
    }
}
