/// Rows of a result by the reference, `[rows, channels]`, computed at the same time.
struct ReferenceRows: Sendable {
    let channels: Int
    private let values: [Double]
    /// The largest magnitude of each row's scaled affinities, by which rounding grows.
    let largestAffinity: [Double]

    /// - Parameter row: writes one row and returns its largest affinity.
    init(
        count: Int, channels: Int,
        _ row: @Sendable (_ row: Int, _ values: UnsafeMutableBufferPointer<Double>) -> Double
    ) {
        self.channels = channels
        // Each row has its largest affinity behind it.
        let table = parallelRows(count, width: channels + 1) { index, values in
            values[channels] = row(index, UnsafeMutableBufferPointer(rebasing: values[..<channels]))
        }
        values = (0..<count).flatMap { table[$0 * (channels + 1)..<($0 + 1) * (channels + 1) - 1] }
        largestAffinity = (0..<count).map { table[($0 + 1) * (channels + 1) - 1] }
    }

    subscript(row: Int) -> ArraySlice<Double> { values[row * channels..<(row + 1) * channels] }

    subscript(row: Int, channel: Int) -> Double { values[row * channels + channel] }
}
