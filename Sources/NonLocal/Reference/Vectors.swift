/// Vectors of channels, one a position.
extension [[Double]] {
    /// Each vector after an affine map, or as it is without one. The map is read once for all of them: it takes more
    /// memory than caches have.
    func mapped(by map: Linear?) -> [[Double]] {
        guard let map else { return self }
        let table = parallelRows(map.outputs, width: count) { output, values in
            let places = Sums.Places(first: output * map.inputs, stride: 1, count: map.inputs)
            for (index, vector) in enumerated() {
                values[index] = Sums.dot(vector, map.weight, at: places) + map.bias[output]
            }
        }
        return indices.map { index in (0..<map.outputs).map { table[$0 * count + index] } }
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
