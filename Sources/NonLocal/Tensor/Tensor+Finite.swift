extension Tensor where Element == Float {
    /// The flat index of the first element that is NaN or infinite.
    var firstNonFinite: Int? {
        // Such numbers alone have all bits of the exponent set. A loop that may stop at each element takes several
        // times as long as one that looks at many together.
        withUnsafeBufferPointer { elements in
            stride(from: 0, to: elements.count, by: 4096).lazy.compactMap { first -> Int? in
                let block = elements[first..<min(first + 4096, elements.count)]
                let largest = block.reduce(0) { max($0, $1.bitPattern & 0x7f80_0000) }
                return largest == 0x7f80_0000
                    ? block.firstIndex { $0.bitPattern & 0x7f80_0000 == 0x7f80_0000 } : nil
            }.first
        }
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
