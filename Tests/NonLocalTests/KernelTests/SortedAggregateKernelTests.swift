import SwiftOpenCL
import Testing

@testable import NonLocal

/// `sorted_aggregate.cl` by itself: Σ_j max(a_i + b_j, 0) g_j / M from lists sorted here.
@Suite(.needsSorting) struct SortedAggregateKernelTests {
    enum Scores: String, Sendable, CaseIterable {
        case mixed, allPositive, allNegative, cancelling, large, steps, denormals

        /// a_i for list 0, b_j for list 1.
        func value(_ list: Int, _ group: Int, _ n: Int) -> Float {
            let noise = noise(list, group, n)
            switch self {
            case .mixed: return noise
            case .allPositive: return noise.magnitude
            case .allNegative: return -noise.magnitude - 0x1p-140
            // Many pairs are 0 exactly, and many numbers are the same.
            case .cancelling: return (noise * 4).rounded()
            case .large: return noise < 0 ? -1e4 : 1e4
            // Small steps far from zero.
            case .steps: return (list == 0 ? -1 : 1) * 1e4 + noise
            case .denormals: return Float(Int(noise * 50)) * 0x1p-149
            }
        }
    }

    private let session: OpenCLSession

    init() throws { session = try TestDevice.session() }

    static let sizes = [(1, 1), (1, 7), (7, 1), (2, 255), (257, 256), (1009, 5)]

    @Test(arguments: sizes, Scores.allCases)
    func matches(_ size: (keys: Int, rows: Int), _ scores: Scores) throws {
        for (channels, slab) in [(1, 1), (15, 2), (17, 1), (40, 2)] {
            try check(channels, size.keys, size.rows, scores, slab: slab)
        }
    }

    @Test(arguments: [16, 32, 63, 64, 65, 130], Arrangement.allCases)
    func readsAndWritesAnyLayout(_ channels: Int, _ arrangement: Arrangement) throws {
        for slab in [1, 2, 4] { try check(channels, 13, 29, .mixed, slab: slab, arrangement) }
    }

    @Test func keepsExtremes() throws {
        let values: [Float] = [0, -0.0, 3e37, -3e37, 0x1p-149, -1e-38, 1e4]
        try check(9, 40, 20, .mixed, slab: 1) { values[($1 + $2) % 7] }
    }

    /// Numbers that aren't finite stay where the formula puts them, or spread, and break nothing.
    @Test func nonFiniteScores() throws {
        func y(_ a: [Float], _ b: [Float]) throws -> [Float] {
            try run(
                Placed(session, channels: 1, positions: b.count) { _, _, _ in 1 }, a: [a], b: [b], slab: 1,
                .packed)
        }
        let one = try y([1, .nan, -.infinity, .infinity, 2], [1, 0])
        #expect(one[0] == 1.5 && one[1].isNaN && one[2] == 0 && !one[3].isFinite && one[4] == 2.5)
        let nan = try y([0, 1, -5], [1, .nan, 2])
        #expect(nan.allSatisfy { $0.isNaN })
        let infinite = try y([0, 1, -5], [1, .infinity, 2])
        #expect(infinite.allSatisfy { !$0.isFinite })
        let none = try y([0, 1, -5], [1, -.infinity])
        #expect(none == [0.5, 1, 0])
    }

    private func check(
        _ channels: Int, _ keys: Int, _ rows: Int, _ scores: Scores, slab: Int,
        _ arrangement: Arrangement = .channelsLast,
        g value: (Int, Int, Int) -> Float = { noise(3, $0, $1, $2) }
    ) throws {
        let (items, groups) = (2, 2)
        let g = try Placed(
            session, items: items, groups: groups, channels: channels, positions: keys, arrangement,
            value: value)
        func list(_ list: Int, _ count: Int) -> [[Float]] {
            (0..<items * groups).map { group in (0..<count).map { scores.value(list, group, $0) } }
        }
        let (a, b) = (list(0, rows), list(1, keys))
        let actual = try run(g, items: items, groups: groups, a: a, b: b, slab: slab, arrangement)
        let values = try g.read(session)
        var expected: [Double] = [], tolerances: [Double] = []
        for group in a.indices {
            let range = b[group].map(Double.init)
            let span = Double((a[group] + b[group]).reduce(0) { max($0, $1.magnitude) })
            for channel in 0..<channels {
                let first = (group * channels + channel) * keys
                let g = values[first..<first + keys].map(Double.init)
                let magnitude = 2 * span * g.reduce(0) { $0 + $1.magnitude } / Double(keys)
                for a in a[group] {
                    let y = zip(range, g).reduce(0) { $0 + max(Double(a) + $1.0, 0) * $1.1 } / Double(keys)
                    expected.append(y)
                    tolerances.append(Tolerances.sumInDouble(of: keys, y, magnitude: magnitude))
                }
            }
        }
        expectClose(actual, expected, "\(channels) channels, \(keys) × \(rows), \(scores), slab \(slab)") {
            tolerances[$0]
        }
    }

    private func run(
        _ g: Placed, items: Int = 1, groups: Int = 1, a: [[Float]], b: [[Float]], slab: Int,
        _ arrangement: Arrangement
    ) throws -> [Float] {
        let (keys, rows) = (b[0].count, a[0].count)
        func sorted(_ list: [Float], ascending: Bool) -> [Float] {
            let order = list.indices.sorted { one, other in
                let (a, b) = ascending ? (list[one], list[other]) : (list[other], list[one])
                if a.isNaN || b.isNaN { return !a.isNaN }
                return a < b
            }
            return order.flatMap { [list[$0], Float(bitPattern: UInt32($0))] }
        }
        let lists = b.flatMap { sorted($0, ascending: false) } + a.flatMap { sorted($0, ascending: true) }
        let y = try Placed(
            session, items: items, groups: groups, channels: g.channels, positions: rows, arrangement)
        let launcher = Launcher(session.queue)
        try SortedAggregateKernel(session.library, PanelTile(session.device), slab: slab).launch(
            launcher, sorted: Buffer(session.context, copying: lists), g: g.view, to: y.view,
            valueChannels: g.channels, keys: keys, rows: rows, groups: items * groups)
        try launcher.finish()
        return try y.read(session)
    }
}
