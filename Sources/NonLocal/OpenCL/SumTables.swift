import SwiftOpenCL

/// Where a run leaves its sums: tables `[items][rows][positions]`.
enum SumTable: Int, Sendable, CaseIterable {
    /// At each query position.
    case queries
    /// At each position that φ and g are projected at.
    case projected
    /// At each key.
    case keys
    /// Over the keys, of each channel of what attention compares: `[groups][4][d]`, or C channels.
    case channels

    var role: BufferRole {
        switch self {
        case .queries: .querySums
        case .projected: .projectedSums
        case .keys: .keySums
        case .channels: .channelSums
        }
    }
}

/// The first rows of what a table holds; sums of squares are below the sums that they belong to.
enum SumRow {
    /// Of the queries: up to four sums of x and their squares; x without a norm; θ, θᵀ Σ_j φ_j, or x in the place of θ
    /// and W_θᵀ φ in that of φ; ``AttentionSum``; y, (W_zᵀ v)ᵀ y; z.
    static let input = 0, residual = 5, theta = 7, attention = 10, aggregate = 16, result = 19
    static let ofQueries = 21
    /// Of the positions of φ and g: up to two sums of what they are projections of; φ; g.
    static let keyInput = 0, wholePhi = 3, wholeG = 5
    static let ofProjected = 7
    /// Of the keys: g and φ as attention takes them, each part of φ's channels by itself; behind them, where maps of the
    /// queries were applied to φ and g, sums of these for the maps, and the bias of the scores.
    static let g = 0, phi = 2
    static let absorbingPhi = 0, absorbingG = 3, scoreBias = 5
    static let ofAbsorbed = 7
    static let ofChannels = 4
}

extension BlockProblem {
    /// Parts of the compared channels that have rows of their own.
    func sumParts(_ method: Method) -> Int {
        max(method.tile?.depthParts(attentionSizes(method).width) ?? 1, 1)
    }

    /// The first row of the keys' table that belongs to absorbed maps.
    func absorbedSums(_ method: Method) -> Int { SumRow.phi + 2 * sumParts(method) }

    /// Elements of the tables of sums for one batch item.
    func sumElements(_ method: Method) -> [BufferRole: Int] {
        guard method.sums else { return [:] }
        return Dictionary(
            uniqueKeysWithValues: SumTable.allCases.map { table in
                let size = sumSize(table, method)
                return (table.role, size.rows * size.positions)
            })
    }

    /// Rows and positions of a table.
    func sumSize(_ table: SumTable, _ method: Method) -> (rows: Int, positions: Int) {
        switch table {
        case .queries: (SumRow.ofQueries, rows)
        case .projected: (SumRow.ofProjected, projectedPositions)
        case .keys:
            (absorbedSums(method) + (method.absorbed.isEmpty ? 0 : SumRow.ofAbsorbed), keyPositions)
        case .channels: (SumRow.ofChannels * geometry.keys.groups, attentionSizes(method).width)
        }
    }
}

/// A run's sums, on their way to host memory.
///
/// `@unchecked Sendable`: each run has its own, and uses it on one thread at a time.
final class SumCopies: @unchecked Sendable {
    /// The sums of a slice of the batch.
    struct Slice: Sendable {
        let items: Range<Int>
        fileprivate let tables: [(elements: TensorStorage<Float>, event: Event)]

        /// A row of a table at an item's positions; only when the copies are complete.
        func row(_ table: SumTable, _ row: Int, item: Int, _ size: (rows: Int, positions: Int))
            -> UnsafeBufferPointer<Float>
        {
            let first = ((item - items.lowerBound) * size.rows + row) * size.positions
            return UnsafeBufferPointer(
                rebasing: tables[table.rawValue].elements.elements[first..<first + size.positions])
        }
    }

    /// What the sums are of; none where none were taken.
    private(set) var sums: BlockSums?
    private var slices: [Slice] = []

    /// Forgets what was taken, since its run is done again.
    func forget() {
        sums = nil
        slices = []
    }

    /// Enqueues copies of a slice's sums.
    func take(_ sums: BlockSums, _ workspace: Workspace, of items: Range<Int>, from queue: Queue) throws {
        self.sums = sums
        let tables = try SumTable.allCases.map { table in
            let size = sums.problem.sumSize(table, sums.method)
            let elements = try TensorStorage<Float>(count: items.count * size.rows * size.positions)
            let event = try queue.read(
                workspace.required(table.role), range: 0..<elements.elements.count, into: elements.elements,
                keeping: elements.memory)
            return (elements, event)
        }
        slices.append(Slice(items: items, tables: tables))
    }

    /// What was copied; waits for it.
    func complete() throws -> [Slice] {
        for slice in slices { for table in slice.tables { try table.event.wait() } }
        return slices
    }
}
