@testable import NonLocal

/// How far results may be apart, with the reasons, in one place.
enum Tolerances {
    /// Beside another float32 implementation: twice its error, since two orders of summation differ that
    /// much by chance, and never less than eight roundings of z, which holds x beside z − x.
    static func beside(peerError: Double, largestInput: Double, largestChange: Double) -> Double {
        max(2 * peerError, 8 * Tolerance.rounding * (1 + largestInput / largestChange))
    }

    /// Of a sum by a kernel, taken in chunks of 64 (`CHUNK` in `view.cl`): a rounding for each addition that a
    /// term goes through, and a few for the term itself. A bound, not an estimate: no correct sum exceeds it.
    ///
    /// - Parameter magnitude: the sum of the terms' magnitudes.
    static func sum(of terms: Int, magnitude: Double) -> Double {
        Double(min(terms, 64) + terms / 64 + 6) * Tolerance.rounding * magnitude + denormal
    }

    /// Of a sum taken in double and rounded to float32 at the end.
    ///
    /// - Parameter magnitude: the largest magnitude that a sum on the way can have.
    static func sumInDouble(of terms: Int, _ value: Double, magnitude: Double) -> Double {
        2 * Tolerance.rounding * value.magnitude + Double(4 * terms) * 0x1p-53 * magnitude + denormal
    }

    /// Of two float32 results of small problems by the same formula, whose sums were taken in other orders:
    /// some roundings of the affinities and some of the result.
    static func sameFormula(largest: Double) -> Double { 64 * Tolerance.rounding * largest + denormal }

    /// Of one value that a few correctly rounded operations give; exp and log may be 3 and sqrt and the
    /// division 3 units off (OpenCL 1.2, 7.4), each of which is two roundings.
    static func elementwise(_ value: Double, operations: Int = 1) -> Double {
        Double(6 * operations) * Tolerance.rounding * value.magnitude + denormal
    }

    /// Of softmax attention on tensor cores, relative to the largest |y|.
    ///
    /// float32: as ``Tolerance/relative(largestInput:largestChange:largestAffinity:width:keys:isExponent:)`` has it
    /// without the residual. Otherwise a rounding of the weights and one of g, and what rounding θ and φ does to
    /// an affinity, which is less than one rounding of the largest.
    static func tensorCores(
        _ arithmetic: WarpTile.Arithmetic, width: Int, keys: Int, largestAffinity: Double
    ) -> Double {
        switch arithmetic {
        case .float32:
            Tolerance.rounding
                * (8 + Double(keys).squareRoot() + Double(width).squareRoot() * largestAffinity)
        case .float16: 0x1p-11 * (2 + largestAffinity)
        case .bfloat16: 0x1p-8 * (2 + largestAffinity)
        }
    }

    /// Of a product on tensor cores: the sum's, and two roundings of each factor.
    ///
    /// - Parameter magnitude: the sum of the terms' magnitudes.
    static func tensorProduct(
        _ arithmetic: WarpTile.Arithmetic, terms: Int, magnitude: Double
    ) -> Double {
        let factor: Double =
            switch arithmetic {
            case .float32: 0x1p-23
            case .float16: 0x1p-11
            case .bfloat16: 0x1p-8
            }
        return sum(of: terms, magnitude: magnitude) + 2 * factor * magnitude
    }

    /// The smallest normal number: devices may take denormals for zero (OpenCL 1.2, 7.2).
    static let denormal = 0x1p-126
}
