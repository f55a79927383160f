import Dispatch

/// Calls `body` for each row of a table of Doubles at the same time, with memory for that row alone.
///
/// - Returns: the table, row after row.
func parallelRows(
    _ rows: Int, width: Int,
    _ body: @Sendable (_ row: Int, _ values: UnsafeMutableBufferPointer<Double>) -> Void
) -> [Double] {
    Array(unsafeUninitializedCapacity: rows * width) { table, count in
        table.initialize(repeating: 0)
        // Each row is written by one call only.
        nonisolated(unsafe) let memory = table
        DispatchQueue.concurrentPerform(iterations: rows) { row in
            body(row, UnsafeMutableBufferPointer(rebasing: memory[row * width..<(row + 1) * width]))
        }
        count = rows * width
    }
}
