import Foundation
import SwiftOpenCL

extension VerificationProblems {
    /// Each kernel by itself, at sizes around its tiles.
    var kernelProblems: [Problem] {
        let sizes = [(1, 1, 1), (3, 7, 5), (9, 65, 8), (66, 17, 19)]
        let problems = sizes.flatMap { channels, positions, rows in
            [
                projection(channels, positions, rows, residual: false),
                projection(channels, positions, rows, residual: true), gather(channels, positions),
                maxPool(channels, positions), groupNorm(channels, positions),
                affinity(.dotProduct, channels, positions, rows), affinity(.outerSum, 1, positions, rows),
                affinity(.negativeSquaredDistance, channels, positions, rows), softmax(rows, positions),
                normalize(rows, positions), pairwiseWeight(rows, positions),
                aggregate(channels, positions, rows),
            ]
                + (positions > 1
                    ? [false, true].flatMap { strongest in
                        [0.5, -0.5].map { ownWeight(positions, strongest: strongest, scale: $0) }
                    } : [])
        }
        return Dictionary(grouping: problems, by: \.family).sorted { $0.key < $1.key }.flatMap(\.value)
    }

    private func projection(_ channels: Int, _ positions: Int, _ rows: Int, residual: Bool) -> Problem {
        problem(
            "projection",
            "\(rows) of \(channels) channels, \(positions) positions\(residual ? ", residual" : "")",
            terms: channels
        ) {
            let x = values(2, channels, positions), added = values(2, rows, positions)
            let map = Linear(
                outputs: rows, inputs: channels, weight: values(1, rows, channels).map(Double.init),
                bias: values(1, rows, 1).map(Double.init))
            let target = try buffer(count: 2 * rows * positions)
            try ProjectionKernel(session.library).launch(
                $0, DeviceLinear(map, in: session.context), from: view(x, channels, positions),
                residual: residual ? view(added, rows, positions) : nil,
                to: View(target, channels: rows, positions: positions), positions: positions, items: 2)
            let expected = (0..<2).flatMap { item -> [Double] in
                let y = ReferenceStages.project(field(x, item, channels, positions), by: map).values
                let range = item * y.count..<(item + 1) * y.count
                return residual ? zip(y, added[range]).map { $0 + Double($1) } : y
            }
            return (target, expected)
        }
    }

    private func gather(_ channels: Int, _ positions: Int) -> Problem {
        problem("gather", "\(channels) channels, \(positions) positions", terms: 0) {
            let x = values(2, channels, positions)
            let chosen = (0..<positions + 2).map { $0 * 5 % positions }
            let target = try buffer(count: 2 * channels * chosen.count)
            try GatherKernel(session.library).launch(
                $0, from: view(x, channels, positions),
                index: Buffer(session.context, copying: chosen.map(Int32.init)),
                to: View(target, channels: channels, positions: chosen.count), channels: channels, items: 2)
            return (target, (0..<2).flatMap { field(x, $0, channels, positions).gathered(chosen).values })
        }
    }

    private func maxPool(_ channels: Int, _ positions: Int) -> Problem {
        let grid = Grid(t: 3, h: 2, w: positions + 1)
        return problem("max_pool", "\(channels) channels, 3×2×\(positions + 1) by 2,1,2", terms: 0) {
            let x = values(2, channels, grid.count)
            let pooled = Grid(t: 1, h: 2, w: (positions + 1) / 2).count
            let target = try buffer(count: 2 * channels * pooled)
            try MaxPoolKernel(session.library).launch(
                $0, from: view(x, channels, grid.count), grid: grid, window: .grid(t: 2, h: 1, w: 2),
                to: View(target, channels: channels, positions: pooled), pooled: pooled, channels: channels,
                items: 2)
            let expected = (0..<2).flatMap {
                ReferenceStages.maxPool(
                    field(x, $0, channels, grid.count), grid: grid, window: .grid(t: 2, h: 1, w: 2)
                ).values
            }
            return (target, expected)
        }
    }

    private func groupNorm(_ channels: Int, _ positions: Int) -> Problem {
        let groups = channels % 3 == 0 ? 3 : 1
        return problem(
            "group_norm", "\(channels) channels in \(groups) groups, \(positions) positions", terms: 64
        ) {
            let x = values(2, channels, positions).map { $0 + 100 }
            let norm = BlockWeights.GroupNorm(
                groups: groups, scale: try Tensor(shape: [channels], elements: values(1, channels, 1)),
                shift: try Tensor(shape: [channels], elements: values(1, 1, channels)))
            let target = try buffer(count: 2 * channels * positions)
            try GroupNormKernels(session.library, norm, channels: channels).launch(
                $0, from: view(x, channels, positions), moments: buffer(count: 4 * groups),
                to: View(target, channels: channels, positions: positions), positions: positions, items: 2)
            let expected = (0..<2).flatMap {
                ReferenceStages.groupNorm(field(x, $0, channels, positions), norm).values
            }
            return (target, expected)
        }
    }

    private func affinity(_ score: Pairwise.Score, _ width: Int, _ rows: Int, _ keys: Int) -> Problem {
        problem("affinity", "\(score.rawValue), width \(width), \(rows) rows, \(keys) keys", terms: width) {
            let theta = values(2, width, rows), phi = values(2, width, keys)
            let block = RowBlock(firstGroup: 0, groups: 2, firstRow: 0, rows: rows, keys: keys)
            let target = try buffer(count: block.count)
            try AffinityKernel(session.library, score: score).launch(
                $0, theta: view(theta, width, rows), phi: view(phi, width, keys), width: width, to: target,
                block)
            let expected = (0..<2).flatMap { item in
                pairs(keys, rows) { key, row in
                    (0..<width).reduce(0.0) { sum, c in
                        let query = Double(theta[(item * width + c) * rows + row])
                        let other = Double(phi[(item * width + c) * keys + key])
                        return switch score {
                        case .dotProduct: sum + query * other
                        case .outerSum: sum + query + other
                        case .negativeSquaredDistance: sum - (query - other) * (query - other)
                        }
                    }
                }
            }
            return (target, expected)
        }
    }

    private func ownWeight(_ keys: Int, strongest: Bool, scale: Float) -> Problem {
        let words = "\(strongest ? "strongest" : "exclude"), \(keys) keys, scale \(scale)"
        return problem("own_weight", words, terms: 0) {
            let s = values(2, keys, keys)
            let block = RowBlock(firstGroup: 0, groups: 2, firstRow: 0, rows: keys, keys: keys)
            let target = try Buffer(session.context, copying: s)
            let own = try Buffer(session.context, copying: (0..<keys).map(Int32.init))
            try OwnWeightKernel(session.library, strongest: strongest).launch(
                $0, target, own: own, firstOwn: 0, scale: scale, block)
            let expected = (0..<2).flatMap { item in
                pairs(keys, keys) { key, row in
                    let scores = (0..<keys).map { Double(s[(item * keys + $0) * keys + row]) }
                    guard key == row else { return scores[key] }
                    guard strongest else { return scale < 0 ? .infinity : -.infinity }
                    let others = scores.indices.filter { $0 != row }.map { scores[$0] }
                    return (scale < 0 ? others.min() : others.max()) ?? 0
                }
            }
            return (target, expected)
        }
    }

    private func softmax(_ keys: Int, _ rows: Int) -> Problem {
        column("softmax", keys, rows) { launcher, target, block in
            try SoftmaxKernel(session.library).launch(launcher, target, scale: 2, block)
        } expected: { scores in
            let maximum = scores.max() ?? 0
            let weights = scores.map { exp(2 * ($0 - maximum)) }
            let sum = weights.reduce(0, +)
            return weights.map { $0 / sum }
        }
    }

    private func normalize(_ keys: Int, _ rows: Int) -> Problem {
        column("normalize", keys, rows) { launcher, target, block in
            let kernels = try NormalizeKernels(session.library)
            try PairwiseWeightKernel(session.library, weight: .absolute(.score)).launch(
                launcher, target, scale: 1, block)
            try kernels.launchBySum(launcher, target, block)
            try kernels.launch(launcher, target, factor: 3, block)
        } expected: { scores in
            let sum = scores.reduce(0) { $0 + $1.magnitude }
            return scores.map { 3 * $0.magnitude / sum }
        }
    }

    private func pairwiseWeight(_ keys: Int, _ rows: Int) -> Problem {
        let weight = WeightExpression.exp(.min(.score / 2, 1))
        return column("pairwise_weight", keys, rows) { launcher, target, block in
            try PairwiseWeightKernel(session.library, weight: weight).launch(
                launcher, target, scale: 0.5, block)
        } expected: {
            $0.map { weight.evaluate(at: 0.5 * $0) }
        }
    }

    private func aggregate(_ channels: Int, _ rows: Int, _ keys: Int) -> Problem {
        problem("aggregate", "\(channels) channels, \(rows) rows, \(keys) keys", terms: keys) {
            let g = values(2, channels, keys), p = values(2, keys, rows)
            let block = RowBlock(firstGroup: 0, groups: 2, firstRow: 0, rows: rows, keys: keys)
            let target = try buffer(count: 2 * channels * rows)
            try AggregateKernel(session.library).launch(
                $0, g: view(g, channels, keys), weights: Buffer(session.context, copying: p),
                to: View(target, channels: channels, positions: rows), valueChannels: channels, block)
            let expected = (0..<2).flatMap { item in
                pairs(channels, rows) { channel, row in
                    (0..<keys).reduce(0.0) {
                        $0 + Double(g[(item * channels + channel) * keys + $1])
                            * Double(p[(item * keys + $1) * rows + row])
                    }
                }
            }
            return (target, expected)
        }
    }
}
