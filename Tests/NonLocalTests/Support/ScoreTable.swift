import SwiftOpenCL
import Testing

@testable import NonLocal

/// Numbers of a block of queries in device memory, `[group][key][row]`, on which a kernel works in place.
struct ScoreTable {
    let block: RowBlock
    let before: [Float]
    private let table: Placed
    private let session: OpenCLSession

    var buffer: Buffer<Float> { table.view.buffer }

    /// - Parameter value: of a group, a key and a row.
    init(
        _ session: OpenCLSession, groups: Int = 1, keys: Int, rows: Int, firstRow: Int = 0,
        value: (_ group: Int, _ key: Int, _ row: Int) -> Float
    ) throws {
        self.session = session
        block = RowBlock(firstGroup: 0, groups: groups, firstRow: firstRow, rows: rows, keys: keys)
        table = try Placed(session, groups: groups, channels: keys, positions: rows, value: value)
        before = try table.read(session)
    }

    /// The numbers after a kernel has run.
    func after(_ launch: (Launcher) throws -> Void) throws -> [Float] {
        let launcher = Launcher(session.queue)
        try launch(launcher)
        try launcher.finish()
        return try table.read(session)
    }

    /// What `transform` makes of each row's numbers, in the order of the table.
    func expected(_ transform: (_ row: Int, _ values: [Double]) -> [Double]) -> [Double] {
        var result = [Double](repeating: 0, count: before.count)
        for group in 0..<block.groups {
            for row in 0..<block.rows {
                let places = (0..<block.keys).map { (group * block.keys + $0) * block.rows + row }
                let values = transform(row, places.map { Double(before[$0]) })
                for (place, value) in zip(places, values) { result[place] = value }
            }
        }
        return result
    }

    /// Sizes around the work-group of 64 rows and the chunk of 64 keys: (groups, keys, rows).
    static let sizes = [
        (1, 1, 1), (1, 2, 1), (2, 1, 7), (3, 7, 2), (1, 8, 9), (2, 9, 8), (1, 63, 3), (1, 64, 64),
        (2, 65, 63),
        (1, 5, 65), (1, 127, 2), (1, 3, 127), (1, 1009, 1),
    ]
}
