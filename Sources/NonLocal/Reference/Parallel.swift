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

/// Calls `body` for each element at the same time.
///
/// With as many elements as processors, what is parallel in `body` itself finds these busy and doesn't wait for them to
/// wake up, which for short work takes longer than the work.
///
/// - Returns: the values, in the elements' order.
/// - Throws: the error of the first element that has one.
func concurrently<Element: Sendable, Value: Sendable, Failure: Error>(
    _ elements: [Element], _ body: @Sendable (Element) throws(Failure) -> Value
) throws(Failure) -> [Value] {
    var results = [Result<Value, Failure>?](repeating: nil, count: elements.count)
    results.withUnsafeMutableBufferPointer { results in
        // Each is written by one call only.
        nonisolated(unsafe) let memory = results
        DispatchQueue.concurrentPerform(iterations: elements.count) { index in
            memory[index] = Result { () throws(Failure) in try body(elements[index]) }
        }
    }
    var values: [Value] = []
    for result in results {
        guard let result else { preconditionFailure("an element was left out") }
        values.append(try result.get())
    }
    return values
}
