import Testing

@testable import NonLocal

/// Compares numbers with what they should be, and names the first that is off.
///
/// NaN and infinities have to be where they are expected, and nowhere else.
func expectClose(
    _ actual: [Float], _ expected: [Double], _ context: String = "",
    sourceLocation: SourceLocation = #_sourceLocation, within tolerance: (Int) -> Double
) {
    guard actual.count == expected.count else {
        Issue.record(
            "\(context): \(actual.count) numbers, expected \(expected.count)", sourceLocation: sourceLocation)
        return
    }
    let bad = actual.indices.first { index in
        let (actual, expected) = (Double(actual[index]), expected[index])
        if actual == expected || actual.isNaN && expected.isNaN { return false }
        return !((actual - expected).magnitude <= tolerance(index))
    }
    guard let bad else { return }
    Issue.record(
        """
        \(context): index \(bad) of \(actual.count): expected \(expected[bad]), actual \(actual[bad]), \
        tolerance \(tolerance(bad))
        """, sourceLocation: sourceLocation)
}

/// Compares numbers that have to be the same to the last bit, the sign of zero included.
func expectSameBits(
    _ actual: [Float], _ expected: [Float], _ context: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    guard actual.count == expected.count else {
        Issue.record(
            "\(context): \(actual.count) numbers, expected \(expected.count)", sourceLocation: sourceLocation)
        return
    }
    guard let bad = actual.indices.first(where: { actual[$0].bitPattern != expected[$0].bitPattern }) else {
        return
    }
    Issue.record(
        "\(context): index \(bad) of \(actual.count): expected \(expected[bad]), actual \(actual[bad])",
        sourceLocation: sourceLocation)
}
