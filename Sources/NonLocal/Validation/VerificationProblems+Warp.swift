import Foundation
import SwiftOpenCL

extension VerificationProblems {
    /// The warp kernels by themselves, where they are to be verified: every tiling that is right for few channels,
    /// and one with several slices.
    var warpProblems: [Problem] {
        guard kernels == .warp else { return [] }
        return WarpTile.Arithmetic.allCases.flatMap { arithmetic in
            [
                warpProduct(arithmetic, 3, 17, 7), warpProduct(arithmetic, 70, 9, 130),
                warpAttention(arithmetic, 1, 1, 1, 1), warpAttention(arithmetic, 20, 9, 131, 70),
                warpAttention(arithmetic, 140, 200, 5, 40), warpStages(arithmetic, 37, 19, 130, 9),
                warpStages(arithmetic, 5, 140, 3, 70),
            ]
        }
    }

    /// What rounding the operands does, relative to the largest result.
    private func tolerance(_ arithmetic: WarpTile.Arithmetic, terms: Int) -> Double {
        switch arithmetic {
        case .float32: 4 * Tolerance.rounding * (8 + 2 * Double(terms).squareRoot())
        case .float16: 0x1p-8
        case .bfloat16: 0x1p-5
        }
    }

    private func warpProblem(
        _ family: String, _ arithmetic: WarpTile.Arithmetic, _ words: String, terms: Int,
        _ body: @escaping (Launcher) throws -> (Buffer<Float>, [Double])
    ) -> Problem {
        let exact = problem(family, "\(arithmetic.rawValue), \(words)", terms: terms, body)
        return Problem(family: family, problem: exact.problem) {
            let result = try exact.compute()
            let tolerance = tolerance(arithmetic, terms: terms)
            return (
                result.error, tolerance,
                result.error <= tolerance ? nil : result.message ?? "error \(result.error)"
            )
        }
    }

    func warpProduct(
        _ arithmetic: WarpTile.Arithmetic, _ channels: Int, _ positions: Int, _ rows: Int
    ) -> Problem {
        let words = "\(rows) of \(channels) channels, \(positions) positions, residual"
        return warpProblem("warp_product", arithmetic, words, terms: channels) { launcher in
            let x = values(2, channels, positions), residual = values(2, rows, positions)
            let map = Linear(
                outputs: rows, inputs: channels, weight: values(1, rows, channels).map(Double.init),
                bias: values(1, rows, 1).map(Double.init))
            let target = try buffer(count: 2 * rows * positions)
            let product = try WarpProduct(
                session.library, arithmetic, usesPTX: session.device.hasTensorCores)
            try product.launch(
                launcher, product.load([map], in: session), from: view(x, channels, positions),
                residual: view(residual, rows, positions),
                to: [View(target, channels: rows, positions: positions)], positions: positions, items: 2,
                image: buffer(
                    count: WarpProduct.elements(
                        arithmetic, channels: channels, positions: positions, items: 2)),
                limits: buffer(count: 2))
            let projected = (0..<2).flatMap {
                ReferenceStages.project(field(x, $0, channels, positions), by: map).values
            }
            return (target, zip(projected, residual).map { $0 + Double($1) })
        }
    }

    /// - Parameter tile: the usual one without.
    func warpAttention(
        _ arithmetic: WarpTile.Arithmetic, _ width: Int, _ valueChannels: Int, _ rows: Int, _ keys: Int,
        tile: WarpTile? = nil
    ) -> Problem {
        let words = "d \(width), d_v \(valueChannels), \(rows) × \(keys)"
        return warpProblem("warp_attention", arithmetic, words, terms: max(keys, width * width)) { launcher in
            let theta = values(2, width, rows).map { $0 / Float(width).squareRoot() }
            let phi = values(2, width, keys), g = values(2, valueChannels, keys)
            let target = try buffer(count: 2 * valueChannels * rows)
            let variant = try WarpMethod(
                arithmetic, on: session.device, tiles: tile.map { [$0] } ?? []
            ).variant(width: width, values: valueChannels)
            let shares = keys > 60 ? 2 : 1
            let room = try variant.elements(
                rows: rows, keys: keys, valueChannels: valueChannels, groups: 2, shares: shares
            ).map(buffer)
            try WarpAttention(session.library, variant).launch(
                launcher,
                AttentionOperands(
                    theta: view(theta, width, rows), phi: view(phi, width, keys),
                    g: view(g, valueChannels, keys),
                    y: View(target, channels: valueChannels, positions: rows), width: width,
                    valueChannels: valueChannels, groups: 2, rows: rows, keys: keys),
                scale: 1, shares: shares,
                WarpAttention.Room(
                    theta: room[0], phi: room[1], g: room[2], limits: room[3], shared: room[4]))
            return (target, attention(theta, phi, g, width, valueChannels, rows, keys))
        }
    }

    /// In stages, of blocks of rows of both items and of each.
    func warpStages(
        _ arithmetic: WarpTile.Arithmetic, _ width: Int, _ valueChannels: Int, _ rows: Int, _ keys: Int
    ) -> Problem {
        let words = "attention in stages, d \(width), d_v \(valueChannels), \(rows) × \(keys)"
        return warpProblem("warp_product", arithmetic, words, terms: max(keys, width * width)) { launcher in
            let theta = values(2, width, rows).map { $0 / Float(width).squareRoot() }
            let phi = values(2, width, keys), g = values(2, valueChannels, keys)
            let target = try buffer(count: 2 * valueChannels * rows)
            let warp = WarpMethod(arithmetic, on: session.device)
            let elements = warp.stagedElements(
                width: width, valueChannels: valueChannels, rows: rows, keys: keys, groups: 2)
            func room(_ role: BufferRole) throws -> Buffer<Float> { try buffer(count: elements[role] ?? 1) }
            let staged = try StagedAttention(
                session.library, nil, warp, formulation: Pairwise.embeddedGaussian.formulation, scale: 1,
                ownWeight: .include)
            let cut = rows / 2
            let blocks = [(0, 2, 0, cut), (1, 1, cut, rows - cut), (0, 1, cut, rows - cut)].map {
                RowBlock(firstGroup: $0, groups: $1, firstRow: $2, rows: $3, keys: keys)
            }
            try staged.run(
                launcher,
                AttentionOperands(
                    theta: view(theta, width, rows), phi: view(phi, width, keys),
                    g: view(g, valueChannels, keys),
                    y: View(target, channels: valueChannels, positions: rows), width: width,
                    valueChannels: valueChannels, groups: 2, rows: rows, keys: keys),
                WarpStages(session.library, warp), blocks.filter { $0.rows > 0 },
                buffer(count: 2 * rows * keys),
                WarpStages.Room(
                    theta: room(.packedTheta), phi: room(.packedPhi), g: room(.packedG),
                    weights: buffer(
                        count: WarpProduct.elements(arithmetic, channels: keys, positions: rows, items: 2)),
                    limits: room(.limits), misfits: nil))
            return (target, attention(theta, phi, g, width, valueChannels, rows, keys))
        }
    }

    /// y of two items by the reference.
    private func attention(
        _ theta: [Float], _ phi: [Float], _ g: [Float], _ width: Int, _ valueChannels: Int, _ rows: Int,
        _ keys: Int
    ) -> [Double] {
        (0..<2).flatMap { item in
            let operation = ReferenceOperation(
                formulation: Pairwise.embeddedGaussian.formulation, scale: 1, ownWeight: .include,
                theta: field(theta, item, width, rows), phi: field(phi, item, width, keys),
                g: field(g, item, valueChannels, keys),
                queries: PositionGroups(Grid(t: 1, h: 1, w: rows), scope: .spacetime),
                keys: PositionGroups(Grid(t: 1, h: 1, w: keys), scope: .spacetime))
            let y = (0..<rows).map { operation.result(column: $0, position: $0).y }
            return pairs(valueChannels, rows) { channel, row in y[row][channel] }
        }
    }
}
