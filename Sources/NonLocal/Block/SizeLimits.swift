/// Sizes that can be computed with: kernels count channels and positions in 32 bits, and no machine holds a
/// tensor of 2⁴⁸ elements. What passes can be added up in `Int` without overflow.
enum SizeLimits {
    private static let extent = Int(Int32.max)
    private static let elements = 1 << 48

    /// - Throws: ``NonLocalError/Code/shape`` if a tensor `[batch, channels, positions]` is beyond the limits.
    static func check(_ name: String, batch: Int, channels: Int, positions: Int) throws(NonLocalError) {
        guard max(batch, channels, positions) <= extent,
            try elementCount(of: [batch, channels, positions]) <= elements
        else {
            throw NonLocalError(
                .shape,
                "\(name) of \(batch) items, \(channels) channels and \(positions) positions is too large",
                advice: "Each may be 2147483647, and the tensor have 2⁴⁸ elements.")
        }
    }
}
