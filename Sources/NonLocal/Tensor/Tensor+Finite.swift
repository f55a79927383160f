extension Tensor where Element == Float {
    /// The flat index of the first element that is NaN or infinite.
    var firstNonFinite: Int? {
        withUnsafeBufferPointer { elements in
            nonisolated(unsafe) let elements = elements
            let size = 1 << 16
            let parts = stride(from: 0, to: elements.count, by: size).map {
                $0..<min($0 + size, elements.count)
            }
            return concurrently(parts, work: elements.count) { elements[$0].firstNonFinite }
                .lazy.compactMap(\.self).first
        }
    }
}

extension Slice<UnsafeBufferPointer<Float>> {
    /// The index of the first element that is NaN or infinite.
    fileprivate var firstNonFinite: Int? {
        // Such numbers alone have all bits of the exponent set, so that one more there reaches the sign. A loop that may
        // stop at each element takes several times as long as one that looks at many together.
        func isNonFinite(_ bits: UInt32) -> UInt32 { (bits & 0x7fff_ffff) &+ 0x0080_0000 }
        return stride(from: startIndex, to: endIndex, by: 4096).lazy.compactMap { first -> Int? in
            let block = self[first..<Swift.min(first + 4096, endIndex)]
            let signs = block.reduce(0) { $0 | isNonFinite($1.bitPattern) }
            return signs >> 31 == 1 ? block.firstIndex { isNonFinite($0.bitPattern) >> 31 == 1 } : nil
        }.first
    }
}

/// - Throws: ``NonLocalError/Code/nonFinite`` with the place of the first number that isn't finite.
func requireFinite(_ tensor: Tensor<Float>, _ name: String) throws(NonLocalError) {
    guard let index = tensor.firstNonFinite else { return }
    throw NonLocalError(
        .nonFinite,
        "\(name) of shape \(tensor.shape) holds \(tensor.storage.elements[index]) at flat index \(index)",
        advice: "Mend the input, or allow such numbers (--allow-nonfinite, allowNonFinite: true).")
}
