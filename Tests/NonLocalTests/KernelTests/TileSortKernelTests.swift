import SwiftOpenCL
import Testing

@testable import NonLocal

/// `tile_sort.cl` by itself: b from the greatest down, equal numbers by their positions.
@Suite(.needsDevice) struct TileSortKernelTests {
    private let session: OpenCLSession

    init() throws { session = try TestDevice.session() }

    static let sizes = [1, 2, 3, 63, 511, 512, 513, 1024, 1025, 3000]

    @Test(arguments: sizes, SortKernelTests.Numbers.allCases)
    func sorts(_ count: Int, _ numbers: SortKernelTests.Numbers) throws {
        for tile in GroupTile.candidates(session.device) where tile.depth == 16 && tile.quads == 1 {
            try check(tile, keys: count, numbers, .packed)
        }
    }

    @Test(arguments: Arrangement.allCases)
    func readsAnyLayout(_ arrangement: Arrangement) throws {
        try check(GroupTile.candidates(session.device)[0], keys: 600, .mixed, arrangement)
    }

    private func check(
        _ tile: GroupTile, keys: Int, _ numbers: SortKernelTests.Numbers, _ arrangement: Arrangement
    ) throws {
        let (items, groups) = (2, 3)
        let phi = try Placed(session, items: items, groups: groups, channels: 1, positions: keys, arrangement)
        { numbers.value(1, $0, $2) }
        let count = items * groups * keys * 2
        let sorted = try Buffer<Float>(session.context, count: count)
        let launcher = Launcher(session.queue)
        try TileSortKernels(session.library, tile).launch(
            launcher, phi: phi.view, to: sorted, scratch: Buffer(session.context, count: count), keys: keys,
            groups: items * groups)
        try launcher.finish()
        let actual = try session.queue.read(sorted).map(\.bitPattern)
        let values = try phi.read(session)
        for first in stride(from: 0, to: values.count, by: keys) {
            let group = values[first..<first + keys].map { $0.isNaN ? Float(bitPattern: 0x7fff_ffff) : $0 }
            let expected = group.indices.sorted { one, other in
                if group[one].bitPattern == group[other].bitPattern { return one < other }
                return group[other].isTotallyOrdered(belowOrEqualTo: group[one])
            }
            let positions = (first..<first + keys).map { Int(actual[2 * $0]) }
            let bad = expected.indices.first { positions[$0] != expected[$0] }
            #expect(bad == nil, "\(keys) keys, \(numbers), \(arrangement), rank \(bad ?? 0)")
        }
    }
}
