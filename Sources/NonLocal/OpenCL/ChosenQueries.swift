import SwiftOpenCL

/// Query positions whose z is wanted, the same for each batch item, sorted by the group they belong to.
struct ChosenQueries: Sendable {
    /// Queries of one group, which stand next to each other.
    struct Run: Sendable, Hashable {
        let group: Int
        let range: Range<Int>
    }

    /// The caller's place of each sorted query.
    let order: [Int]
    /// Flat positions, sorted.
    let positions: Buffer<Int32>
    /// The index of each within its group.
    let own: Buffer<Int32>
    let runs: [Run]

    var count: Int { order.count }

    init(_ queries: [Int], groups: PositionGroups, in context: Context) throws {
        let places = queries.map(groups.place(of:))
        let order = queries.indices.sorted { (places[$0].group, $0) < (places[$1].group, $1) }
        self.order = order
        positions = try Buffer(context, copying: order.map { Int32(queries[$0]) }, access: .readOnly)
        own = try Buffer(context, copying: order.map { Int32(places[$0].index) }, access: .readOnly)
        var runs: [Run] = []
        for (index, query) in order.enumerated() {
            let group = places[query].group
            if let last = runs.last, last.group == group {
                runs[runs.count - 1] = Run(group: group, range: last.range.lowerBound..<index + 1)
            } else {
                runs.append(Run(group: group, range: index..<index + 1))
            }
        }
        self.runs = runs
    }
}
