@testable import NonLocal

/// How far results may be apart, with the reasons, in one place.
enum Tolerances {
    /// Beside another float32 implementation: twice its error, since two orders of summation differ that
    /// much by chance, and never less than eight roundings of z, which holds x beside z − x.
    static func beside(peerError: Double, largestInput: Double, largestChange: Double) -> Double {
        max(2 * peerError, 8 * Tolerance.rounding * (1 + largestInput / largestChange))
    }
}
