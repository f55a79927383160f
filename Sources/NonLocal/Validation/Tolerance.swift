/// How far a float32 result may be from the reference.
enum Tolerance {
    /// Half a unit in the last place of 1: float32 rounds to a relative 2⁻²⁴.
    static let rounding = 0x1p-24

    /// The largest error, relative to the largest |z − x|, that rounding explains:
    ///
    /// - eight roundings of z, which holds x beside z − x;
    /// - √M roundings of a sum over M keys, which numbers of one sign come to even when their sums are taken
    ///   in chunks;
    /// - what rounding of an affinity of magnitude |s|, a sum of `width` products, does to its weight: it is an
    ///   exponent in the softmax forms, a factor in the others.
    static func relative(
        largestInput: Double, largestChange: Double, largestAffinity: Double, width: Int, keys: Int,
        isExponent: Bool
    ) -> Double {
        let floor = 8 * rounding * (1 + largestInput / largestChange)
        let sum = rounding * Double(keys).squareRoot()
        return floor + sum + rounding * Double(width).squareRoot() * (isExponent ? largestAffinity : 1)
    }
}
