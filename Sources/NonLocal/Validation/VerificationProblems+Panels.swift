import Foundation
import SwiftOpenCL

extension VerificationProblems {
    /// The panel kernels by themselves, where they are to be verified.
    var panelProblems: [Problem] {
        guard kernels == .panel else { return [] }
        let tile = panelTile
        let sizes = [(1, 1, 1), (3, 17, 7), (5, 33, 13), (tile.depth + 3, 2, 4)]
        let projections = sizes.flatMap { channels, positions, rows in
            [
                panelProjection(tile, channels, positions, rows, layout: .channelsFirst),
                panelProjection(tile, channels, positions, rows, layout: .channelsLast),
                panelResidual(tile, channels, positions, rows),
            ]
        }
        let attentions = [
            (1, 1, 1, 1), (3, 7, 17, 5), (9, 2, 5, tile.blockKeys + 7), (tile.depth + 3, 7, 3, 8),
        ]
        return poolProblems(tile) + projections + gramProblems(tile)
            + attentions.flatMap { width, values, rows, keys in
                [1, -0.5].flatMap { scale in
                    [false, true].map {
                        panelAttention(tile, width, values, rows, keys, scale: scale, adds: $0)
                    }
                }
            }
            + [
                panelPackedProjection(tile, 3, tile.blockKeys),
                panelPackedProjection(tile, tile.depth + 3, 5), sharedAttention(tile, adds: false),
                sharedAttention(tile, adds: true),
            ]
    }

    /// Windows of one, two and more columns, each in rows that fill no vectors and in rows that fill several.
    private func poolProblems(_ tile: PanelTile) -> [Problem] {
        [1, 2, 3, tile.lanes].flatMap { columns in
            [tile.lanes - 1, 2 * tile.lanes + 1].map { windows in
                let grid = Grid(t: 3, h: 5, w: columns * windows + columns - 1)
                let frames = columns == 2 ? 2 : 1
                let window = Geometry.Window.grid(t: frames, h: 2, w: columns)
                let words = "\(grid.t)×\(grid.h)×\(grid.w) by \(frames),2,\(columns)"
                return problem("panel_pool", words, terms: 0) { launcher in
                    let channels = 3, pooled = 3 / frames * 2 * windows
                    let x = values(2, channels, grid.count)
                    let target = try buffer(count: 2 * channels * pooled)
                    try PanelPoolKernel(session.library, tile).launch(
                        launcher, from: view(x, channels, grid.count),
                        to: View(target, channels: channels, positions: pooled), channels: channels,
                        grid: grid, window: window, pooled: pooled, items: 2)
                    let expected = (0..<2).flatMap {
                        ReferenceStages.maxPool(
                            field(x, $0, channels, grid.count), grid: grid, window: window
                        ).values
                    }
                    return (target, expected)
                }
            }
        }
    }

    private func panelProjection(
        _ tile: PanelTile, _ channels: Int, _ positions: Int, _ rows: Int, layout: Layout
    ) -> Problem {
        let words = "3 times \(rows) of \(channels) channels, \(positions) positions, \(layout.rawValue)"
        return problem("panel_projection", words, terms: channels) { launcher in
            let x = values(2, channels, positions)
            let maps = (0..<3).map { map(rows + $0, channels) }
            let source = try Buffer(session.context, copying: x)
            // One buffer for all three, each behind the last.
            let target = try buffer(count: 2 * maps.reduce(0) { $0 + $1.outputs } * positions)
            var targets: [View] = []
            for map in maps {
                var view = View(target, channels: map.outputs, positions: positions)
                view.offset = targets.reduce(0) { $0 + 2 * $1.itemStride }
                targets.append(view)
            }
            let packed = try PackedLinear(maps, PanelPackKernels(session.library, tile), tile, in: session)
            try PanelProjectionKernels(session.library, tile).launch(
                launcher, packed,
                from: View(source, channels: channels, positions: positions, layout: layout),
                to: targets, positions: positions, items: 2, scratch: scratch(tile, packed, positions))
            let items = (0..<2).map { item in
                var field = field(x, item, channels, positions)
                if layout == .channelsLast {
                    let values = field.values
                    for c in 0..<channels {
                        for n in 0..<positions { field[c, n] = values[n * channels + c] }
                    }
                }
                return field
            }
            return (
                target, maps.flatMap { map in items.flatMap { ReferenceStages.project($0, by: map).values } }
            )
        }
    }

    /// φ and g projected into their packed forms, and what attention makes of them. A last panel reaches beyond the last
    /// block of keys where its positions are as many as a block has.
    private func panelPackedProjection(_ tile: PanelTile, _ width: Int, _ positions: Int) -> Problem {
        let (channels, valueChannels) = (5, 7)
        return problem(
            "panel_projection", "d \(width), φ and g packed, \(positions) positions", terms: width * width
        ) { launcher in
            let x = values(2, channels, positions)
            let maps = [width, width, valueChannels].map { map($0, channels, magnitude: 0.2) }
            func packed(_ form: View.Form, _ channels: Int, _ size: Int) throws -> View {
                try tile.view(
                    buffer(count: 2 * size), form, channels: channels, positions: positions, groups: 1)
            }
            let theta = View(
                try buffer(count: 2 * width * positions), channels: width, positions: positions)
            let phi = try packed(.byRows, width, tile.packedByRows(positions, width))
            let g = try packed(.byKeys, valueChannels, tile.packedByKeys(valueChannels, positions))
            let weights = try PackedLinear(maps, PanelPackKernels(session.library, tile), tile, in: session)
            try PanelProjectionKernels(session.library, tile).launch(
                launcher, weights, from: view(x, channels, positions), to: [theta, phi, g],
                positions: positions,
                items: 2, scratch: scratch(tile, weights, positions))
            let target = try buffer(count: 2 * valueChannels * positions)
            try launchAttention(
                tile, launcher,
                AttentionOperands(
                    theta: theta, phi: phi, g: g,
                    y: View(target, channels: valueChannels, positions: positions), width: width,
                    valueChannels: valueChannels, groups: 2, rows: positions, keys: positions), scale: 1)
            let fields = maps.map { map in
                (0..<2).map { ReferenceStages.project(field(x, $0, channels, positions), by: map) }
            }
            return (target, attended(fields[0], fields[1], fields[2], scale: 1))
        }
    }

    /// So many workers that several share the keys of each panel of queries, and one of them gets none.
    private func sharedAttention(_ tile: PanelTile, adds: Bool) -> Problem {
        var tile = tile
        tile.workers = 16
        return panelAttention(tile, 3, 7, tile.panel + 1, 4 * tile.blockKeys + 1, scale: 1, adds: adds)
    }

    private func panelResidual(_ tile: PanelTile, _ channels: Int, _ positions: Int, _ rows: Int) -> Problem {
        let words = "\(rows) of \(channels) channels, \(positions) positions, residual"
        return problem("panel_projection", words, terms: channels) { launcher in
            let x = values(2, channels, positions), residual = values(2, rows, positions)
            let map = map(rows, channels)
            let target = try buffer(count: 2 * rows * positions)
            let packed = try PackedLinear([map], PanelPackKernels(session.library, tile), tile, in: session)
            try PanelProjectionKernels(session.library, tile).launch(
                launcher, packed, from: view(x, channels, positions),
                residual: view(residual, rows, positions),
                to: View(target, channels: rows, positions: positions), positions: positions, items: 2,
                scratch: scratch(tile, packed, positions))
            let projected = (0..<2).flatMap {
                ReferenceStages.project(field(x, $0, channels, positions), by: map).values
            }
            return (target, zip(projected, residual).map { $0 + Double($1) })
        }
    }

    /// - Parameter adds: whether each key's scores have a bias, and y a residual.
    private func panelAttention(
        _ tile: PanelTile, _ width: Int, _ valueChannels: Int, _ rows: Int, _ keys: Int, scale: Double,
        adds: Bool
    ) -> Problem {
        let words =
            "d \(width), d_v \(valueChannels), \(rows) × \(keys), scale \(scale), \(tile.workers) workers"
            + (adds ? ", bias and residual" : "")
        return problem("panel_attention", words, terms: max(keys, width * width)) { launcher in
            let theta = values(2, width, rows).map { $0 / Float(width).squareRoot() }
            let phi = values(2, width, keys), g = values(2, valueChannels, keys)
            let bias = values(2, 1, keys), residual = values(2, valueChannels, rows)
            let misfits = try buffer(count: 1)
            try session.queue.fill(misfits, with: 0)
            let target = try buffer(count: 2 * valueChannels * rows)
            try launchAttention(
                tile, launcher,
                AttentionOperands(
                    theta: view(theta, width, rows), phi: view(phi, width, keys),
                    g: view(g, valueChannels, keys),
                    y: View(target, channels: valueChannels, positions: rows), width: width,
                    valueChannels: valueChannels, groups: 2, rows: rows, keys: keys,
                    bias: adds ? view(bias, 1, keys) : nil,
                    residual: adds ? view(residual, valueChannels, rows) : nil,
                    misfits: adds ? misfits : nil), scale: scale)
            guard try session.queue.read(misfits)[0].bitPattern == 0 else {
                throw NonLocalError(.mismatch, "numbers that are finite were taken for others")
            }
            func fields(_ values: [Float], _ channels: Int, _ positions: Int) -> [Field] {
                (0..<2).map { field(values, $0, channels, positions) }
            }
            // A bias is one more channel of φ, with which θ has ones.
            let ones = Field(channels: 1, positions: rows, values: Array(repeating: 1, count: rows))
            let queries = fields(theta, width, rows).map { adds ? $0.above(ones) : $0 }
            let biased = zip(fields(phi, width, keys), fields(bias, 1, keys)).map { adds ? $0.above($1) : $0 }
            let y = attended(queries, biased, fields(g, valueChannels, keys), scale: scale)
            return (target, adds ? zip(y, residual).map { $0 + Double($1) } : y)
        }
    }

    func launchAttention(
        _ tile: PanelTile, _ launcher: Launcher, _ operands: AttentionOperands, scale: Double
    ) throws {
        let (width, channels, keys) = (operands.width, operands.valueChannels, operands.keys)
        let blocks = tile.attentionBlocks(
            width: width, valueChannels: channels, rows: operands.rows, keys: keys, groups: operands.groups,
            ownWeight: .include)
        try PanelAttentionKernels(session.library, tile, ownWeight: .include).launch(
            launcher, operands, scale: Float(scale),
            packedPhi: buffer(count: operands.groups * tile.packedByRows(keys, width)),
            packedG: buffer(count: operands.groups * tile.packedByKeys(channels, keys)),
            scratch: buffer(count: blocks.scratch),
            shared: blocks.shared > 0 ? buffer(count: blocks.shared) : nil)
    }

    /// y of each item, `[channel][query]`.
    private func attended(_ theta: [Field], _ phi: [Field], _ g: [Field], scale: Double) -> [Double] {
        theta.indices.flatMap { item in
            let (rows, keys) = (theta[item].positions, phi[item].positions)
            let operation = ReferenceOperation(
                formulation: Pairwise.embeddedGaussian.formulation, scale: scale, ownWeight: .include,
                theta: theta[item], phi: phi[item], g: g[item],
                queries: PositionGroups(Grid(t: 1, h: 1, w: rows), scope: .spacetime),
                keys: PositionGroups(Grid(t: 1, h: 1, w: keys), scope: .spacetime))
            let y = (0..<rows).map { operation.result(column: $0, position: $0).y }
            return pairs(g[item].channels, rows) { channel, row in y[row][channel] }
        }
    }

    private func map(_ rows: Int, _ channels: Int, magnitude: Double = 1) -> Linear {
        Linear(
            outputs: rows, inputs: channels,
            weight: values(1, rows, channels).map { magnitude * Double($0) },
            bias: values(1, rows, 1).map { magnitude * Double($0) })
    }

    private func scratch(_ tile: PanelTile, _ maps: PackedLinear, _ positions: Int) throws -> Buffer<Float> {
        try buffer(
            count: tile.projectionBlocks(
                inputs: maps.inputs, outputs: maps.rows, positions: positions, items: 2
            ).scratch)
    }
}

extension Field {
    /// The channels of this one, and then those of another one.
    fileprivate func above(_ other: Field) -> Field {
        Field(channels: channels + other.channels, positions: positions, values: values + other.values)
    }
}
