/// Rows of a result by the reference, `[rows, channels]`, computed at the same time.
struct ReferenceRows: Sendable {
    /// How large the numbers behind a row were, by which its rounding grows.
    struct Magnitudes: Sendable {
        /// max_j |s · s_ij|
        var largestAffinity = 0.0
        /// Σ_j |w_ij| / C: 1 for a softmax.
        var weightSum = 0.0
    }

    let channels: Int
    private let values: [Double]
    let magnitudes: [Magnitudes]

    /// - Parameters:
    ///   - work: multiply-adds of all rows, if it takes any.
    ///   - row: writes one row and returns its magnitudes.
    init(
        count: Int, channels: Int, work: Int = 0,
        _ row: @Sendable (_ row: Int, _ values: UnsafeMutableBufferPointer<Double>) -> Magnitudes
    ) {
        self.channels = channels
        // Each row has its magnitudes behind it.
        let width = channels + 2
        let table = parallelRows(count, width: width, work: max(work, count * width)) { index, values in
            let magnitudes = row(index, UnsafeMutableBufferPointer(rebasing: values[..<channels]))
            values[channels] = magnitudes.largestAffinity
            values[channels + 1] = magnitudes.weightSum
        }
        values = (0..<count).flatMap { table[$0 * width..<$0 * width + channels] }
        magnitudes = (0..<count).map { row in
            let behind = row * width + channels
            return Magnitudes(largestAffinity: table[behind], weightSum: table[behind + 1])
        }
    }

    /// The rows of all parts, one part behind the other.
    init(joining parts: [ReferenceRows]) {
        channels = parts.first?.channels ?? 0
        values = parts.flatMap(\.values)
        magnitudes = parts.flatMap(\.magnitudes)
    }

    var vectors: [[Double]] { magnitudes.indices.map { Array(self[$0]) } }

    subscript(row: Int) -> ArraySlice<Double> { values[row * channels..<(row + 1) * channels] }

    subscript(row: Int, channel: Int) -> Double { values[row * channels + channel] }
}
