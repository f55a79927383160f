import SwiftOpenCL
import Testing

@testable import NonLocal

/// `panel_order.cl` by itself: an order in which neighbours are near each other.
@Suite(.needsDevice) struct PanelOrderKernelTests {
    private let session: OpenCLSession
    private let tile: PanelTile

    init() throws {
        session = try TestDevice.session()
        tile = PanelTile(session.device).ordered
    }

    static let counts = [1, 2, 47, 48, 49, 95, 96, 97, 191, 500, 3001]

    private func order(_ x: Placed, width: Int) throws -> [[Int]] {
        let count = x.positions
        let order = try Buffer<Float>(session.context, count: x.groups * count)
        let launcher = Launcher(session.queue)
        try PanelOrderKernel(session.library, tile).launch(
            launcher, of: x.view, width: width, count: count, groups: x.groups, to: order)
        try launcher.finish()
        let numbers = try session.queue.read(order).map { Int($0.bitPattern) }
        return (0..<x.groups).map { Array(numbers[$0 * count..<($0 + 1) * count]) }
    }

    /// With one channel, each block is above the one before it, and each panel of a block too.
    @Test(arguments: counts, Arrangement.allCases)
    func sortsBlocks(_ count: Int, _ arrangement: Arrangement) throws {
        let value = { (group: Int, _: Int, n: Int) in noise(group, n) }
        let x = try Placed(
            session, items: 2, groups: 2, channels: 1, positions: count, arrangement, value: value)
        for (group, order) in try order(x, width: 1).enumerated() {
            #expect(order.sorted() == Array(0..<count))
            let values = order.map { value(group, 0, $0) }
            for end in stride(from: tile.blockKeys, to: count, by: tile.blockKeys) {
                #expect(values[..<end].max() ?? 0 <= values[end...].min() ?? 0, "block at \(end)")
            }
            for end in stride(from: tile.panel, to: count, by: tile.panel) {
                let block = end / tile.blockKeys * tile.blockKeys
                guard end > block else { continue }
                let last = min(block + tile.blockKeys, count)
                #expect(values[block..<end].max() ?? 0 <= values[end..<last].min() ?? 0, "panel at \(end)")
            }
        }
    }

    /// A split goes by the channel that varies most.
    @Test func splitsTheWidestChannel() throws {
        let value = { (_: Int, c: Int, n: Int) in noise(c, n) * [1, 50, 2][c] }
        let x = try Placed(session, channels: 3, positions: 2 * tile.blockKeys, value: value)
        let values = try order(x, width: 3)[0].map { value(0, 1, $0) }
        #expect(values[..<tile.blockKeys].max() ?? 0 <= values[tile.blockKeys...].min() ?? 0)
    }

    /// Each position comes once, whatever the numbers are.
    @Test(arguments: counts)
    func isAPermutation(_ count: Int) throws {
        let special: [Float] = [0, -0.0, .nan, .infinity, -.infinity, 3e38, -3e38, 0x1p-149, 1]
        let values: [(Int, Int) -> Float] = [
            { _, _ in 1 }, { _, _ in .nan }, { c, n in special[(c + n * 7) % special.count] },
            { c, n in Float(n % 2 + c) }, { _, n in Float(n) }, { _, n in Float(-n) },
            { c, n in noise(c, n) * 3e38 },
        ]
        for (index, value) in values.enumerated() {
            let x = try Placed(session, groups: 2, channels: 3, positions: count) { value($1, $2) }
            for order in try order(x, width: 3) {
                #expect(order.sorted() == Array(0..<count), "values \(index)")
            }
        }
    }
}
