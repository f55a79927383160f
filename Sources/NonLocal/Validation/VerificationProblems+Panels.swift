import Foundation
import SwiftOpenCL

extension VerificationProblems {
    /// The panel kernels by themselves, where they are to be verified.
    var panelProblems: [Problem] {
        guard kernels == .panel else { return [] }
        let tile = PanelTile(session.device)
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
        return projections + gramProblems(tile)
            + attentions.flatMap { width, values, rows, keys in
                [1, -0.5].map { panelAttention(tile, width, values, rows, keys, scale: $0) }
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

    private func panelAttention(
        _ tile: PanelTile, _ width: Int, _ valueChannels: Int, _ rows: Int, _ keys: Int, scale: Double
    ) -> Problem {
        let words = "d \(width), d_v \(valueChannels), \(rows) × \(keys), scale \(scale)"
        return problem("panel_attention", words, terms: max(keys, width * width)) { launcher in
            let theta = values(2, width, rows).map { $0 / Float(width).squareRoot() }
            let phi = values(2, width, keys), g = values(2, valueChannels, keys)
            let target = try buffer(count: 2 * valueChannels * rows)
            let operands = AttentionOperands(
                theta: try view(theta, width, rows), phi: try view(phi, width, keys),
                g: try view(g, valueChannels, keys),
                y: View(target, channels: valueChannels, positions: rows), width: width,
                valueChannels: valueChannels, groups: 2, rows: rows, keys: keys)
            let blocks = tile.attentionBlocks(
                width: width, valueChannels: valueChannels, rows: rows, keys: keys, groups: 2,
                ownWeight: .include)
            try PanelAttentionKernels(session.library, tile, ownWeight: .include).launch(
                launcher, operands, scale: Float(scale),
                packedPhi: buffer(count: 2 * tile.packedByRows(keys, width)),
                packedG: buffer(count: 2 * tile.packedByKeys(valueChannels, keys)),
                scratch: buffer(count: blocks.scratch),
                shared: blocks.shared > 0 ? buffer(count: blocks.shared) : nil)
            let expected = (0..<2).flatMap { item in
                let operation = ReferenceOperation(
                    formulation: Pairwise.embeddedGaussian.formulation, scale: scale, ownWeight: .include,
                    theta: field(theta, item, width, rows), phi: field(phi, item, width, keys),
                    g: field(g, item, valueChannels, keys),
                    queries: PositionGroups(Grid(t: 1, h: 1, w: rows), scope: .spacetime),
                    keys: PositionGroups(Grid(t: 1, h: 1, w: keys), scope: .spacetime))
                let y = (0..<rows).map { operation.result(column: $0, position: $0).y }
                return pairs(valueChannels, rows) { channel, row in y[row][channel] }
            }
            return (target, expected)
        }
    }

    private func map(_ rows: Int, _ channels: Int) -> Linear {
        Linear(
            outputs: rows, inputs: channels, weight: values(1, rows, channels).map(Double.init),
            bias: values(1, rows, 1).map(Double.init))
    }

    private func scratch(_ tile: PanelTile, _ maps: PackedLinear, _ positions: Int) throws -> Buffer<Float> {
        try buffer(
            count: tile.projectionBlocks(
                inputs: maps.inputs, outputs: maps.rows, positions: positions, items: 2
            ).scratch)
    }
}
