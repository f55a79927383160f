/// Vectors of channels, one a position.
extension [[Double]] {
    /// Each vector after an affine map, or as it is without one. The map is read once for all of them: it takes more
    /// memory than caches have.
    func mapped(by map: Linear?) -> [[Double]] {
        guard let map else { return self }
        let columns = sideBySide(map.inputs)
        let (width, groups) = (Sums.vectors, (count + Sums.vectors - 1) / Sums.vectors)
        let table = parallelRows((map.outputs + 1) / 2, width: 2 * groups * width) { pair, values in
            let (first, second) = (2 * pair, Swift.min(2 * pair + 1, map.outputs - 1))
            for group in 0..<groups {
                Sums.dots(
                    map.weight, rows: (first * map.inputs, second * map.inputs),
                    with: columns, first: group * width * map.inputs, count: map.inputs,
                    into: values, at: (group * width, (groups + group) * width))
            }
        }
        return indices.map { index in
            (0..<map.outputs).map { table[$0 * groups * width + index] + map.bias[$0] }
        }
    }

    /// The vectors in groups of `Sums.vectors`, `[groups][size][Sums.vectors]`; zeros where a group has fewer.
    func sideBySide(_ size: Int) -> [Double] {
        let width = Sums.vectors
        var columns = [Double](repeating: 0, count: (count + width - 1) / width * width * size)
        for (index, vector) in enumerated() {
            var place = index / width * width * size + index % width
            for value in vector {
                columns[place] = value
                place += width
            }
        }
        return columns
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
