import Dispatch

/// Calls `body` with each index, at the same time where that takes less.
///
/// - Parameter work: multiply-adds of all calls together, or as many other steps.
func inParallel(_ count: Int, work: Int, _ body: @Sendable (_ index: Int) -> Void) {
    // Waking a thread takes a tenth of a millisecond.
    if count > 1, work >= 1 << 19 {
        DispatchQueue.concurrentPerform(iterations: count, execute: body)
    } else {
        for index in 0..<count { body(index) }
    }
}

/// Calls `body` for each row of a table of Doubles, as ``inParallel(_:work:_:)`` does, with memory for that row alone.
///
/// - Returns: the table, row after row.
func parallelRows(
    _ rows: Int, width: Int, work: Int,
    _ body: @Sendable (_ row: Int, _ values: UnsafeMutableBufferPointer<Double>) -> Void
) -> [Double] {
    Array(unsafeUninitializedCapacity: rows * width) { table, count in
        table.initialize(repeating: 0)
        // Each row is written by one call only.
        nonisolated(unsafe) let memory = table
        inParallel(rows, work: work) { row in
            body(row, UnsafeMutableBufferPointer(rebasing: memory[row * width..<(row + 1) * width]))
        }
        count = rows * width
    }
}

/// Calls `body` for each element, as ``inParallel(_:work:_:)`` does.
///
/// With as many elements as processors, what is parallel in `body` itself finds these busy and doesn't wait for them to
/// wake up.
///
/// - Returns: the values, in the elements' order.
/// - Throws: the error of the first element that has one.
func concurrently<Element: Sendable, Value: Sendable, Failure: Error>(
    _ elements: [Element], work: Int, _ body: @Sendable (Element) throws(Failure) -> Value
) throws(Failure) -> [Value] {
    var results = [Result<Value, Failure>?](repeating: nil, count: elements.count)
    results.withUnsafeMutableBufferPointer { results in
        // Each is written by one call only.
        nonisolated(unsafe) let memory = results
        inParallel(elements.count, work: work) { index in
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
