/// Compares rows of a result with the reference, and remembers the worst.
struct Comparison: Sendable {
    /// Whether affinities are exponents, as in the softmax forms.
    let isExponent: Bool
    /// d
    let width: Int

    /// Terms of the longest sum over keys.
    let keys: Int

    /// What operands were kept in.
    let precision: Precision

    /// max |b_z|
    let largestBias: Double

    private(set) var rows = 0
    private(set) var largestError = 0.0
    private(set) var largestInput = 0.0
    private(set) var largestChange = 0.0
    private(set) var largestAffinity = 0.0
    private var worst: (item: Int, row: Int, channel: Int, expected: Double, actual: Double)?
    private var entries = 0
    /// Of φ or g.
    private var wrongEntry: Mismatch?

    init(
        isExponent: Bool, width: Int, keys: Int = 0, precision: Precision = .float32, largestBias: Double = 0
    ) {
        self.isExponent = isExponent
        self.width = width
        self.keys = keys
        self.precision = precision
        self.largestBias = largestBias
    }

    /// Adds one row: what is expected, what there is, and x, in the order of the channels.
    ///
    /// - Parameter largestValue: for the bare operation, which has no x, max |g|: each weight's rounding shows
    ///   in that proportion.
    mutating func add(
        item: Int, row: Int, expected: some Collection<Double>, actual: some Collection<Float>,
        input: some Collection<Float>, magnitudes: ReferenceRows.Magnitudes, largestValue: Double = 0
    ) {
        rows += 1
        // An infinity must not make the tolerance one, with which anything would pass.
        if magnitudes.largestAffinity.isFinite {
            largestAffinity = max(largestAffinity, magnitudes.largestAffinity)
        }
        if magnitudes.weightSum.isFinite {
            largestInput = max(largestInput, magnitudes.weightSum * largestValue)
        }
        for (channel, ((expected, actual), input)) in zip(zip(expected, actual), input).enumerated() {
            let (actual, input) = (Double(actual), Double(input))
            if input.isFinite { largestInput = max(largestInput, input.magnitude) }
            if expected.isFinite, input.isFinite {
                largestChange = max(largestChange, (expected - input).magnitude)
            }
            let bothAreNaN = expected.isNaN && actual.isNaN
            let error = bothAreNaN || expected == actual ? 0 : (actual - expected).magnitude
            // A NaN where there should be none is the worst error there is.
            if error > largestError || (error.isNaN && largestError < .infinity) {
                largestError = error.isNaN ? .infinity : error
                worst = (item, row, channel, expected, actual)
            }
        }
    }

    /// Adds one number of φ or g.
    ///
    /// - Parameter terms: of the sum behind it.
    mutating func add(_ entry: PooledEntry, item: Int, terms: Int) {
        let (expected, actual) = (entry.expected, entry.actual)
        entries += 1
        guard !(expected == actual || (expected.isNaN && actual.isNaN)) else { return }
        let relative = (actual - expected).magnitude / max(entry.magnitude, .leastNormalMagnitude)
        let tolerance = Tolerance.projection(terms: terms, precision: precision)
        guard !(relative <= tolerance), wrongEntry.map({ !(relative <= $0.relativeError) }) ?? true else {
            return
        }
        wrongEntry = Mismatch(
            stage: entry.stage, item: item, row: entry.key, channel: entry.channel, expected: expected,
            actual: actual, relativeError: relative, tolerance: tolerance)
    }

    /// The largest relative error that passes; none where z is x.
    var tolerance: Double? {
        guard largestChange > 0 else { return nil }
        return Tolerance.relative(
            largestInput: largestInput, largestChange: largestChange, largestAffinity: largestAffinity,
            width: width, keys: keys, isExponent: isExponent, precision: precision,
            largestBias: largestBias)
    }

    /// The largest error relative to the largest |z − x|; none where z is x.
    var relativeError: Double? { largestChange > 0 ? largestError / largestChange : nil }

    /// The worst place, if it is beyond the tolerance; of φ and g first, which all else is made of.
    var mismatch: Mismatch? {
        if let wrongEntry { return wrongEntry }
        guard let worst else { return nil }
        let relative = relativeError ?? largestError / max(largestInput, .leastNormalMagnitude)
        let tolerance = tolerance ?? 8 * Tolerance.rounding
        guard !(relative <= tolerance && tolerance.isFinite) else { return nil }
        return Mismatch(
            item: worst.item, row: worst.row, channel: worst.channel, expected: worst.expected,
            actual: worst.actual, relativeError: relative, tolerance: tolerance)
    }

    func report(of rowsInAll: Int, seconds: Double) -> ValidationReport {
        ValidationReport(
            rows: rows, rowsInAll: rowsInAll, entries: entries, maxAbsoluteError: largestError,
            maxRelativeError: relativeError, tolerance: tolerance, seconds: seconds)
    }
}

extension ValidationReport {
    /// Nothing was looked at.
    static func none(of rowsInAll: Int) -> ValidationReport {
        ValidationReport(
            rows: 0, rowsInAll: rowsInAll, maxAbsoluteError: nil, maxRelativeError: nil, tolerance: nil)
    }
}
