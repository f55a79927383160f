/// Tolerances of sums that have to agree. Sums are of float32 products of float32 operands.
///
/// Rounding is taken to be independent from one addition to the next, so that errors add up as their squares do; sizes
/// of what is added are bounded without such a guess. What a float32 program may lose is then found to be, with the
/// norm ‖t‖ = √Σ t² of all terms t of the products summed:
///
/// - of sums of products in parts of P = 128 terms at most, partial sums are below √P ‖t‖ within parts and √n ‖t‖ from
///   part to part, even where all terms have one sign. Additions of P, and of n / P, such numbers make an error whose
///   deviation is below 0.25 · 2⁻²⁴ (P + n / √P) ‖t‖; ``products(_:norm:)`` allows for eight of these deviations;
/// - of sums with signs that have nothing to do with the terms, partial sums are below a few ‖t‖;
///   ``signed(_:norm:)`` allows for √n + 16 roundings of that.
///
/// Squares below float32's range count for as much as they could have been.
extension Tolerance {
    /// Of a sum of `terms` products, or of several, of which ‖t‖ is then that of all their terms.
    static func products(_ terms: Int, norm: Double) -> Double {
        let part = Double(min(terms, 128))
        return 2 * rounding * (part + Double(terms) / max(part, 1).squareRoot()) * norm
    }

    /// Of a sum of `terms` numbers with arbitrary signs.
    static func signed(_ terms: Int, norm: Double) -> Double {
        rounding * (16 + Double(terms).squareRoot()) * norm
    }

    /// The norm of `terms` terms whose squares sum up to this in float32.
    static func norm(_ squares: Float, terms: Int) -> Double {
        (Double(squares) + Double(terms) * Double(Float.leastNormalMagnitude)).squareRoot()
    }

    /// The same of numbers under test, which must not make a tolerance of what is wrong with them: no more than they
    /// can be, whatever they are.
    static func norm(_ squares: Float, terms: Int, atMost bound: Double) -> Double {
        let norm = norm(squares, terms: terms)
        return norm < bound ? norm : bound
    }
}
