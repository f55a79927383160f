/// Vectors of channels, one a position.
extension [[Double]] {
    /// Each vector after an affine map, or as it is without one. The map is read once for all of them: it takes more
    /// memory than caches have.
    func mapped(by map: Linear?) -> [[Double]] {
        guard let map else { return self }
        return SideBySide(self, size: map.inputs).products(rows: map.outputs) {
            first, second, vectors, sums in
            Sums.dots(
                map.weight, rows: (first * map.inputs, second * map.inputs), with: vectors,
                count: map.inputs, into: sums)
        }.map { product in zip(product, map.bias).map { $0 + $1 } }
    }

    /// The vectors as the columns of a field.
    var columns: Field {
        var field = Field(channels: first?.count ?? 0, positions: count)
        for (position, vector) in enumerated() {
            for (channel, value) in vector.enumerated() { field[channel, position] = value }
        }
        return field
    }
}

/// Vectors in groups of `Sums.vectors`, `[groups][size][Sums.vectors]`, so that a row is multiplied by all of a group as it is
/// read; zeros where a group has fewer.
struct SideBySide: Sendable {
    private let count: Int
    private let size: Int
    private let elements: [Double]

    init(_ vectors: [[Double]], size: Int) {
        let width = Sums.vectors
        var elements = [Double](repeating: 0, count: (vectors.count + width - 1) / width * width * size)
        for (index, vector) in vectors.enumerated() {
            var place = index / width * width * size + index % width
            for value in vector {
                elements[place] = value
                place += width
            }
        }
        (count, self.size, self.elements) = (vectors.count, size, elements)
    }

    /// Σ_n row_n v_n for each of some rows and each vector v, `[vectors][rows]`.
    ///
    /// - Parameter dots: leaves the sums of two rows with a group of vectors, those of the first row first.
    func products(
        rows: Int,
        _ dots:
            @Sendable (
                _ first: Int, _ second: Int, _ vectors: UnsafePointer<Double>,
                _ sums: UnsafeMutablePointer<Double>
            ) -> Void
    ) -> [[Double]] {
        let width = Sums.vectors
        let groups = (count + width - 1) / width
        let table = parallelRows(
            (rows + 1) / 2, width: groups * 2 * width, work: rows * size * count
        ) { pair, sums in
            elements.withUnsafeBufferPointer { elements in
                guard let vectors = elements.baseAddress, let sums = sums.baseAddress else { return }
                for group in 0..<groups {
                    dots(
                        2 * pair, min(2 * pair + 1, rows - 1), vectors + group * width * size,
                        sums + group * 2 * width)
                }
            }
        }
        return (0..<count).map { vector in
            var place = vector / width * 2 * width + vector % width
            var products = [Double](repeating: 0, count: rows)
            for row in 0..<rows {
                products[row] = table[place]
                place += row % 2 == 0 ? width : (groups * 2 - 1) * width
            }
            return products
        }
    }
}
