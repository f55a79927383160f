import SwiftOpenCL
import Testing

@testable import NonLocal

/// `sort.cl` by itself: b from the greatest down, a from the least up, equal numbers by their positions.
@Suite(.needsSorting) struct SortKernelTests {
    enum Numbers: String, Sendable, CaseIterable {
        case mixed, negative, equal, few, ascending, descending, zeros, denormals, extremes

        func value(_ list: Int, _ group: Int, _ n: Int) -> Float {
            let noise = noise(list, group, n)
            switch self {
            case .mixed: return noise * 1e4
            case .negative: return -noise.magnitude
            case .equal: return -2.5
            case .few: return (noise * 3).rounded()
            case .ascending: return Float(n) - 100
            case .descending: return 100 - Float(n)
            case .zeros: return [0, -0.0][Int(noise.bitPattern) % 2]
            case .denormals: return Float(Int(noise * 50)) * 0x1p-149
            case .extremes:
                return [.infinity, -.infinity, .nan, -.nan, 3e38, -3e38, 0x1p-149, 0, 1][
                    Int(noise.bitPattern) % 9]
            }
        }
    }

    private let session: OpenCLSession

    init() throws { session = try TestDevice.session() }

    static let sizes = [1, 2, 7, 255, 256, 257, 1000]

    @Test(arguments: sizes, Numbers.allCases)
    func sorts(_ count: Int, _ numbers: Numbers) throws {
        try check(keys: count, rows: count, numbers, .packed)
        try check(keys: 3, rows: count, numbers, .packed)
        try check(keys: count, rows: 1, numbers, .packed)
    }

    @Test(arguments: Arrangement.allCases)
    func readsAnyLayout(_ arrangement: Arrangement) throws {
        try check(keys: 70, rows: 33, .mixed, arrangement)
    }

    private func check(keys: Int, rows: Int, _ numbers: Numbers, _ arrangement: Arrangement) throws {
        let (items, groups) = (2, 3)
        func placed(_ list: Int, _ count: Int) throws -> Placed {
            try Placed(session, items: items, groups: groups, channels: 1, positions: count, arrangement) {
                numbers.value(list, $0, $2)
            }
        }
        let (phi, theta) = try (placed(1, keys), placed(2, rows))
        let count = items * groups * PanelTile.sortedElements(keys: keys, rows: rows)
        let sorted = try Buffer<Float>(session.context, count: count)
        let launcher = Launcher(session.queue)
        try SortKernel(session.library, PanelTile(session.device), slab: 1).launch(
            launcher, phi: phi.view, theta: theta.view, to: sorted,
            scratch: Buffer(session.context, count: count), keys: keys, rows: rows, groups: items * groups)
        try launcher.finish()
        let actual = try session.queue.read(sorted).map(\.bitPattern)
        let expected =
            try expected(phi.read(session), keys, ascending: false)
            + expected(theta.read(session), rows, ascending: true)
        let bad = actual.indices.first { actual[$0] != expected[$0] }
        #expect(
            bad == nil,
            "\(keys) keys, \(rows) rows, \(numbers), \(arrangement): word \(bad ?? 0) is \(actual[bad ?? 0]), expected \(expected[bad ?? 0])"
        )
    }

    private func expected(_ values: [Float], _ count: Int, ascending: Bool) -> [UInt32] {
        stride(from: 0, to: values.count, by: count).flatMap { first in
            let group = values[first..<first + count].map { $0.isNaN ? Float(bitPattern: 0x7fff_ffff) : $0 }
            let order = group.indices.sorted { one, other in
                let (a, b) = ascending ? (group[one], group[other]) : (group[other], group[one])
                if a.bitPattern == b.bitPattern { return one < other }
                return a.isTotallyOrdered(belowOrEqualTo: b)
            }
            return order.flatMap { [group[$0].bitPattern, UInt32($0)] }
        }
    }
}
