import SwiftOpenCL

extension VerificationProblems {
    /// The kernels that leave out blocks of keys, where they are to be verified.
    var skippingProblems: [Problem] {
        guard kernels == .panel else { return [] }
        let tile = panelTile.ordered
        let sizes = [(1, 1), (7, 5), (tile.panel + 1, 3 * tile.blockKeys + 7)]
        return sizes.flatMap {
            [panelOrder(tile, $0.0), panelOrder(tile, $0.1), panelOrder(tile, $0.1, levels: 3)]
        }
            + sizes.flatMap { rows, keys in [1, -0.5].map { panelSkip(rows, keys, scale: $0) } }
            + [OwnWeight.exclude, .strongest].map { panelSkip(200, 200, scale: 1, ownWeight: $0) }
            + [leftOut(tile)]
    }

    /// A permutation that sorts blocks by their one channel.
    ///
    /// - Parameter levels: how many different numbers there are; all differ without.
    private func panelOrder(_ tile: PanelTile, _ count: Int, levels: Float? = nil) -> Problem {
        let words = "\(count) positions\(levels.map { ", \(Int($0)) numbers" } ?? "")"
        return Problem(family: "panel_order", problem: words) {
            let x = values(2, 1, count).map { value in
                levels.map { (value / 4 * $0).rounded(.toNearestOrEven) } ?? value
            }
            let target = try buffer(count: 2 * count)
            let launcher = session.launcher()
            try PanelOrderKernel(session.library, tile).launch(
                launcher, of: view(x, 1, count), width: 1, count: count, groups: 2, to: target)
            try launcher.finish()
            let order = try session.queue.read(target).map { Int($0.bitPattern) }
            for item in 0..<2 {
                let places = order[item * count..<(item + 1) * count]
                guard places.sorted() == Array(0..<count) else {
                    return (.infinity, 0, "item \(item): not each position comes once")
                }
                let sorted = places.map { x[item * count + $0] }
                for end in stride(from: tile.blockKeys, to: count, by: tile.blockKeys)
                where sorted[..<end].contains(where: { value in sorted[end...].contains { $0 < value } }) {
                    return (.infinity, 0, "item \(item): the blocks at \(end) are not in order")
                }
            }
            return (0, 0, nil)
        }
    }

    /// A query by itself leaves out as much as a whole panel of it: the lanes that hold no query don't count.
    private func leftOut(_ tile: PanelTile) -> Problem {
        let words = "one query, and a panel of it"
        return Problem(family: "panel_skip", problem: words) {
            let query: [Float] = [9, -8, 7]
            let shares = try [1, tile.panel].map { rows in
                let theta = try Tensor(
                    shape: [1, 3, rows], elements: query.flatMap { [Float](repeating: $0, count: rows) })
                let phi = try Tensor<Float>.normal(
                    shape: [1, 3, 8 * tile.blockKeys], deviation: 6, seed: 2)
                return try skipping(theta, phi, NonLocalOperation()).computedShare ?? 1
            }
            let isRight = shares[0] == shares[1] && shares[0] < 1
            return (isRight ? 0 : .infinity, 0, isRight ? nil : "shares of blocks computed: \(shares)")
        }
    }

    private func skipping(
        _ theta: Tensor<Float>, _ phi: Tensor<Float>, _ operation: NonLocalOperation
    ) throws -> BlockResult {
        let g = try Tensor<Float>.normal(shape: [phi.shape[0], 5, phi.shape[2]], seed: 3)
        let prepared = try PreparedOperation(
            operation, OperationShape(operation, theta: theta.shape, phi: phi.shape, g: g.shape),
            session: session,
            options: RunOptions(strategy: .fused, kernels: kernels, skip: .on, validation: .full))
        return try prepared.run(theta: theta, phi: phi, g: g)
    }

    /// Affinities of some tens, which leave out blocks where there are several.
    private func panelSkip(
        _ rows: Int, _ keys: Int, scale: Double, ownWeight: OwnWeight = .include
    ) -> Problem {
        let words = "\(rows) × \(keys), scale \(scale), own weight \(ownWeight.rawValue)"
        return Problem(family: "panel_skip", problem: words) {
            let theta = try Tensor<Float>.normal(shape: [2, 3, rows], deviation: 6, seed: 1)
            let phi = try Tensor<Float>.normal(shape: [2, 3, keys], deviation: 6, seed: 2)
            let operation = NonLocalOperation(scale: .factor(scale), ownWeight: ownWeight)
            return try verdict(skipping(theta, phi, operation))
        }
    }
}
