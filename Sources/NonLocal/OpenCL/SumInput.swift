import SwiftOpenCL

/// Sums' weights on the device, rows of one number a channel.
struct SumWeights: Sendable {
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

/// Sums of a tensor that maps are applied to, or of the residual.
struct SumInput: Sendable {
    enum Source: Sendable {
        /// x at the queries, and what φ and g are projections of.
        case queries, keys
        case residual
        /// φ and g as maps of the queries are applied to them.
        case phi, g
    }

    let source: Source
    /// What the maps make.
    let results: [Summed]
    let maps: SummedMaps
    let table: SumTable
    /// Of the table, for the first map.
    let row: Int
    let weights: SumWeights

    private init(
        _ source: Source, _ results: [Summed], _ maps: [SummedMap], _ table: SumTable, row: Int,
        in context: Context
    ) throws {
        self.source = source
        self.results = results
        self.maps = SummedMaps(maps)
        self.table = table
        self.row = row
        weights = try SumWeights(self.maps.maps.map(\.weight), squares: self.maps.squares, in: context)
    }

    /// Those that a method's sums are compared with.
    static func all(
        of problem: BlockProblem, _ method: Method, _ weights: FoldedWeights, in context: Context
    ) throws -> [SumInput] {
        let maps: [BufferRole: Linear?] = [.theta: weights.theta, .phi: weights.phi, .g: weights.g]
        let residual = SummedMap(signsOf: problem.geometry.channels)
        var inputs: [SumInput] = []
        var addsResidual =
            problem.configuration.residual && problem.computesOutput(method)
            && !problem.comparesResidual(method)
        for roles in problem.projectionGroups(method) {
            var (results, summed) = (
                roles.compactMap(Summed.init), roles.compactMap { maps[$0] ?? nil }.map(SummedMap.init)
            )
            guard results.contains(.theta) else {
                inputs.append(
                    try SumInput(.keys, results, summed, .projected, row: SumRow.keyInput, in: context))
                continue
            }
            if addsResidual, problem.normGroups == 0 {
                results.append(.residual)
                summed.append(residual)
                addsResidual = false
            }
            inputs.append(try SumInput(.queries, results, summed, .queries, row: SumRow.input, in: context))
        }
        if addsResidual {
            inputs.append(
                try SumInput(
                    .residual, [.residual], [residual], .queries, row: SumRow.residual, in: context))
        }
        let absorbed = problem.absorbedSums(method)
        if method.absorbed.contains(.theta), let theta = weights.theta {
            inputs.append(
                try SumInput(
                    .phi, [.absorbedPhi, .scoreBias],
                    [SummedMap(theta.transposed), SummedMap(theta.biasAsMap)],
                    .keys, row: absorbed + SumRow.absorbingPhi, in: context))
        }
        if method.absorbed.contains(.output) {
            inputs.append(
                try SumInput(
                    .g, [.absorbedG], [SummedMap(weights.output)], .keys, row: absorbed + SumRow.absorbingG,
                    in: context))
        }
        return inputs
    }
}
