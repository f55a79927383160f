import SwiftOpenCL
import Testing

@testable import NonLocal

/// A tensor whose sums `checksum.cl` and `panel_checksum.cl` take, and what they should be, in double.
struct ChecksumCase: CustomTestStringConvertible {
    let channels, positions, groups, items: Int

    init(_ channels: Int, _ positions: Int, groups: Int = 1, items: Int = 1) {
        (self.channels, self.positions, self.groups, self.items) = (channels, positions, groups, items)
    }

    var testDescription: String { "\(channels) channels, \(positions) positions, \(items) × \(groups)" }

    /// Sums as the device has them and as they should be, and how far each may be from that.
    struct Outcome {
        var actual: [Float] = []
        var expected: [Double] = []
        var tolerances: [Double] = []

        mutating func expect(_ terms: [Double]) {
            expected.append(terms.reduce(0, +))
            tolerances.append(
                Tolerances.sum(of: terms.count, magnitude: terms.reduce(0) { $0 + $1.magnitude }))
        }

        var isRight: Bool {
            actual.count == expected.count
                && zip(zip(actual, expected), tolerances).allSatisfy { (Double($0.0) - $0.1).magnitude <= $1 }
        }
    }

    private var allGroups: Int { items * groups }
    private var size: ChecksumKernels.Size {
        .init(channels: channels, positions: positions, groups: allGroups)
    }
    private var signs: [Float] { SummedMap.signs(channels) }

    private func number(_ group: Int, _ c: Int, _ n: Int) -> Float { noise(7, group, c, n) }
    private func values(_ group: Int, ofChannel c: Int) -> [Double] {
        (0..<positions).map { Double(number(group, c, $0)) }
    }
    private func values(_ group: Int, at n: Int) -> [Double] {
        (0..<channels).map { Double(number(group, $0, n)) }
    }

    private func placed(
        _ session: OpenCLSession, _ channels: Int, _ arrangement: Arrangement = .packed,
        value: (Int, Int, Int) -> Float = { _, _, _ in Placed.unwritten }
    ) throws -> Placed {
        try Placed(
            session, items: items, groups: groups, channels: channels, positions: positions, arrangement,
            value: value)
    }

    /// Σ_c weights[k][c] x[c][n] of that many rows k, and perhaps Σ_c squares[c] x[c][n]².
    func overChannels(
        _ kernels: ChecksumKernels, _ arrangement: Arrangement, rows: Int, hasSquares: Bool,
        _ session: OpenCLSession
    ) throws -> Outcome {
        let weights = (0..<rows).map { k in (0..<channels).map { noise(8, k, $0) } }
        let squares = (0..<channels).map { noise(9, $0) + 1 }
        let sums = try placed(session, rows + (hasSquares ? 1 : 0), arrangement)
        let launcher = Launcher(session.queue)
        try kernels.launch(
            launcher, of: placed(session, channels, arrangement, value: number).view,
            ChecksumKernels.Weights(
                view: View(
                    shared: Buffer(session.context, copying: weights.flatMap { $0 }), rows: rows,
                    channels: channels), rows: rows,
                squares: hasSquares ? try Buffer(session.context, copying: squares) : nil),
            size, to: sums.view)
        try launcher.finish()
        var outcome = Outcome(actual: try sums.read(session))
        for group in 0..<allGroups {
            for row in weights {
                for n in 0..<positions {
                    outcome.expect(zip(row, values(group, at: n)).map { Double($0) * $1 })
                }
            }
            guard hasSquares else { continue }
            for n in 0..<positions {
                outcome.expect(zip(squares, values(group, at: n)).map { Double($0) * $1 * $1 })
            }
        }
        return outcome
    }

    /// v, Σ_n x, ones and Σ_n x² of each channel.
    func overPositions(
        _ kernels: ChecksumKernels, _ arrangement: Arrangement, _ session: OpenCLSession
    ) throws -> Outcome {
        let sums = try Buffer<Float>(session.context, count: allGroups * 4 * channels)
        let launcher = Launcher(session.queue)
        try kernels.launch(
            launcher, overPositionsOf: placed(session, channels, arrangement, value: number).view,
            weights: Buffer(session.context, copying: signs), size, to: sums)
        try launcher.finish()
        return try positionSums(session.queue.read(sums))
    }

    private func positionSums(_ actual: [Float]) -> Outcome {
        var outcome = Outcome(actual: actual)
        for group in 0..<allGroups {
            for sign in signs { outcome.expect([Double(sign)]) }
            for c in 0..<channels { outcome.expect(values(group, ofChannel: c)) }
            for _ in 0..<channels { outcome.expect([1]) }
            for c in 0..<channels { outcome.expect(values(group, ofChannel: c).map { $0 * $0 }) }
        }
        return outcome
    }

    /// The sums of a packed tensor, of which what fills it up is no part.
    func ofPacked(_ form: View.Form, _ tile: PanelTile, _ session: OpenCLSession) throws -> [Outcome] {
        let kernels = try ChecksumKernels(session.library, tile)
        let elements =
            form == .byRows ? tile.packedByRows(positions, channels) : tile.packedByKeys(channels, positions)
        let room = try Buffer<Float>(session.context, count: allGroups * elements)
        let packed = tile.view(room, form, channels: channels, positions: positions, groups: groups)
        let launcher = Launcher(session.queue)
        try PanelPackKernels(session.library, tile).launch(
            launcher, from: placed(session, channels, value: number).view, to: packed, channels: channels,
            positions: positions, groups: allGroups)
        let parts = form == .byRows ? tile.depthParts(channels) : 1
        let sums = try placed(session, 2 * parts)
        let weights = try Buffer(session.context, copying: signs)
        let channelSums = try Buffer<Float>(session.context, count: allGroups * 4 * channels)
        if form == .byRows {
            try kernels.launch(
                launcher, ofRows: packed, weights: weights, size, to: sums.view, overPositions: channelSums)
        } else {
            try kernels.launch(launcher, ofKeys: packed, weights: weights, size, to: sums.view)
        }
        try launcher.finish()
        let partial = try sums.read(session)
        var outcome = Outcome()
        for group in 0..<allGroups {
            for k in 0..<2 {
                for n in 0..<positions {
                    outcome.actual.append(
                        (0..<parts).reduce(0) {
                            $0 + partial[(group * 2 * parts + 2 * $1 + k) * positions + n]
                        })
                    let values = values(group, at: n)
                    outcome.expect(
                        k == 0 ? zip(signs, values).map { Double($0) * $1 } : values.map { $0 * $0 })
                }
            }
        }
        return form == .byRows ? [outcome, try positionSums(session.queue.read(channelSums))] : [outcome]
    }
}
