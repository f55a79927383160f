import SwiftOpenCL
import Testing

@testable import NonLocal

/// Sums over tensors by `checksum.cl` and `panel_checksum.cl`, against sums in double.
@Suite(.needsDevice) struct ChecksumKernelTests {
    /// Channels, positions, groups in an item, items: around a step, a part, a run and a tile.
    static let sizes = [
        (1, 1, 1, 1), (7, 5, 2, 2), (8, 513, 1, 1), (9, 17, 1, 3), (129, 70, 1, 2), (257, 3, 2, 1),
    ]

    private static func number(_ group: Int, _ c: Int, _ n: Int) -> Float { noise(7, group, c, n) }

    /// Both forms, where the device has both.
    private func kernels(_ session: OpenCLSession) throws -> [ChecksumKernels] {
        let portable = try ChecksumKernels(session.library)
        guard session.device.type == .cpu else { return [portable] }
        return [portable, try ChecksumKernels(session.library, PanelTile(session.device))]
    }

    @Test(arguments: sizes, Arrangement.allCases)
    func overChannels(_ size: (Int, Int, Int, Int), _ arrangement: Arrangement) throws {
        let (channels, positions, groups, items) = size
        let session = try TestDevice.session()
        let x = try Placed(
            session, items: items, groups: groups, channels: channels, positions: positions, arrangement,
            value: Self.number)
        for kernels in try kernels(session) {
            for rows in 1...4 {
                let weights = (0..<rows).map { k in (0..<channels).map { noise(8, k, $0) } }
                let squares = (0..<channels).map { noise(9, $0) + 1 }
                for hasSquares in [true, false] {
                    let count = rows + (hasSquares ? 1 : 0)
                    let sums = try Placed(
                        session, items: items, groups: groups, channels: count, positions: positions,
                        arrangement)
                    let launcher = Launcher(session.queue)
                    try kernels.launch(
                        launcher, of: x.view,
                        ChecksumKernels.Weights(
                            view: View(
                                shared: Buffer(session.context, copying: weights.flatMap { $0 }), rows: rows,
                                channels: channels), rows: rows,
                            squares: hasSquares ? try Buffer(session.context, copying: squares) : nil),
                        ChecksumKernels.Size(
                            channels: channels, positions: positions, groups: items * groups), to: sums.view)
                    try launcher.finish()
                    let actual = try sums.read(session)
                    var (expected, magnitudes) = ([Double](), [Double]())
                    for group in 0..<items * groups {
                        for k in 0..<count {
                            for n in 0..<positions {
                                let terms = (0..<channels).map { c in
                                    let value = Double(Self.number(group, c, n))
                                    return k < rows
                                        ? Double(weights[k][c]) * value : Double(squares[c]) * value * value
                                }
                                expected.append(terms.reduce(0, +))
                                magnitudes.append(terms.reduce(0) { $0 + $1.magnitude })
                            }
                        }
                    }
                    expectClose(actual, expected) {
                        Tolerances.sum(of: channels, magnitude: magnitudes[$0])
                    }
                }
            }
        }
    }

    @Test(arguments: sizes, Arrangement.allCases)
    func overPositions(_ size: (Int, Int, Int, Int), _ arrangement: Arrangement) throws {
        let (channels, positions, groups, items) = size
        let session = try TestDevice.session()
        let x = try Placed(
            session, items: items, groups: groups, channels: channels, positions: positions, arrangement,
            value: Self.number)
        let signs = SummedMap.signs(channels)
        for kernels in try kernels(session) {
            let sums = try Buffer<Float>(session.context, count: items * groups * 4 * channels)
            let launcher = Launcher(session.queue)
            try kernels.launch(
                launcher, overPositionsOf: x.view, weights: Buffer(session.context, copying: signs),
                ChecksumKernels.Size(channels: channels, positions: positions, groups: items * groups),
                to: sums)
            try launcher.finish()
            expectPositionSums(
                try session.queue.read(sums), signs, channels: channels, positions: positions,
                groups: items * groups)
        }
    }

    private func expectPositionSums(
        _ actual: [Float], _ signs: [Float], channels: Int, positions: Int, groups: Int
    ) {
        var expected: [Double] = []
        for group in 0..<groups {
            let values = (0..<channels).map { c in
                (0..<positions).map { Double(Self.number(group, c, $0)) }
            }
            expected += signs.map(Double.init) + values.map { $0.reduce(0, +) }
            expected += values.map { _ in 1 } + values.map { $0.reduce(0) { $0 + $1 * $1 } }
        }
        expectClose(actual, expected) { _ in Tolerances.sum(of: positions, magnitude: Double(positions)) }
    }

    /// What fills a packed tensor up is no part of a sum.
    @Test(arguments: sizes) func ofPackedTensors(_ size: (Int, Int, Int, Int)) throws {
        let (channels, positions, groups, items) = size
        let session = try TestDevice.session()
        guard session.device.type == .cpu else { return }
        let tile = PanelTile(session.device)
        let kernels = try ChecksumKernels(session.library, tile)
        let pack = try PanelPackKernels(session.library, tile)
        let x = try Placed(
            session, items: items, groups: groups, channels: channels, positions: positions,
            value: Self.number)
        let signs = SummedMap.signs(channels)
        let weights = try Buffer(session.context, copying: signs)
        let whole = ChecksumKernels.Size(channels: channels, positions: positions, groups: items * groups)
        for form in [View.Form.byRows, .byKeys] {
            let elements =
                form == .byRows
                ? tile.packedByRows(positions, channels) : tile.packedByKeys(channels, positions)
            let room = try Buffer<Float>(session.context, count: items * groups * elements)
            // Packing itself fills with zeros; a projection leaves what was there.
            let packed = tile.view(room, form, channels: channels, positions: positions, groups: groups)
            let launcher = Launcher(session.queue)
            try pack.launch(
                launcher, from: x.view, to: packed, channels: channels, positions: positions,
                groups: items * groups)
            let parts = form == .byRows ? tile.depthParts(channels) : 1
            let sums = try Placed(
                session, items: items, groups: groups, channels: 2 * parts, positions: positions)
            let channelSums = try Buffer<Float>(session.context, count: items * groups * 4 * channels)
            if form == .byRows {
                try kernels.launch(
                    launcher, ofRows: packed, weights: weights, whole, to: sums.view,
                    overPositions: channelSums)
            } else {
                try kernels.launch(launcher, ofKeys: packed, weights: weights, whole, to: sums.view)
            }
            try launcher.finish()
            let partial = try sums.read(session)
            var (actual, expected) = ([Float](), [Double]())
            for group in 0..<items * groups {
                for k in 0..<2 {
                    for n in 0..<positions {
                        actual.append(
                            (0..<parts).reduce(0) {
                                $0 + partial[(group * 2 * parts + 2 * $1 + k) * positions + n]
                            })
                        expected.append(
                            (0..<channels).reduce(0) { sum, c in
                                let value = Double(Self.number(group, c, n))
                                return sum + (k == 0 ? Double(signs[c]) * value : value * value)
                            })
                    }
                }
            }
            expectClose(actual, expected) { _ in Tolerances.sum(of: channels, magnitude: Double(channels)) }
            if form == .byRows {
                expectPositionSums(
                    try session.queue.read(channelSums), signs, channels: channels, positions: positions,
                    groups: items * groups)
            }
        }
    }
}
