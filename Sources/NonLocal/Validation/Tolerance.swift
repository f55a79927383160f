/// How far a result may be from the reference.
enum Tolerance {
    /// Half a unit in the last place of 1: float32 rounds to a relative 2⁻²⁴.
    static let rounding = 0x1p-24

    /// The largest error of a projection w·x + b, relative to Σ_c |w_c x_c|, that rounding explains: √terms of the sum
    /// and sixteen for operands, bias and a group norm in front; where operands are kept in fewer bits, both of
    /// each product.
    static func projection(terms: Int, precision: Precision) -> Double {
        let exact = rounding * (16 + Double(terms).squareRoot())
        return precision == .float32 ? exact : exact + 2 * precision.rounding
    }

    /// The largest error, relative to the largest |z − x|, that rounding explains:
    ///
    /// - eight roundings of z, which holds x beside z − x;
    /// - √M roundings of a sum over M keys, which numbers of one sign come to even when their sums are taken
    ///   in chunks;
    /// - what rounding of an affinity of magnitude |s|, a sum of `width` products, does to its weight: it is an
    ///   exponent in the softmax forms, a factor in the others.
    ///
    /// Where operands are kept in fewer bits, each of a product's two is rounded once more. On the way to z there
    /// are six: x and W_g, the weights and g, y and W_z; to an affinity x and W_θ, x and W_φ, of which those of x
    /// are the same, and θ and φ: four roundings of its own by which its magnitude is off. The terms of a sum are
    /// rounded each by itself, so that a sum is off by no more than its terms are, in proportion. That sum is
    /// W_z y = (z − x) − b_z: where the bias takes most of it away again, as a folded batch norm may, what it is off
    /// by stays.
    static func relative(
        largestInput: Double, largestChange: Double, largestAffinity: Double, width: Int, keys: Int,
        isExponent: Bool, precision: Precision = .float32, largestBias: Double = 0
    ) -> Double {
        let floor = 8 * rounding * (1 + largestInput / largestChange)
        let sum = rounding * Double(keys).squareRoot()
        let affinity = isExponent ? largestAffinity : 1
        let exact = floor + sum + rounding * Double(width).squareRoot() * affinity
        guard precision != .float32 else { return exact }
        return exact + precision.rounding * (6 + 4 * affinity) * (1 + largestBias / largestChange)
    }
}
