/// What the sum of an affine map's outputs must be, with signs, so that outputs of unlike signs can't stand for one another:
///
///     Σ_r v_r (W x + b)_r = uᵀ x + β        u = Wᵀ v        β = vᵀ b        v_r = ±1
struct SummedMap: Sendable {
    let inputs: Int
    let outputs: Int
    /// v
    let signs: [Float]
    /// u
    let weight: [Float]
    /// β
    let bias: Double
    /// Σ_r b_r²
    let biasSquares: Double
    /// For each input what bounds the squares that rounding grows with: the greater of Σ_r W_rc² and u_c².
    let squares: [Double]

    /// - Parameter map: as the device has it, in float32.
    init(_ map: Linear) {
        (inputs, outputs) = (map.inputs, map.outputs)
        signs = Self.signs(map.outputs)
        var sums = [Double](repeating: 0, count: map.inputs)
        var squares = sums
        var (bias, biasSquares) = (0.0, 0.0)
        for row in 0..<map.outputs {
            let sign = Double(signs[row])
            for column in 0..<map.inputs {
                let weight = Double(Float(map.weight[row * map.inputs + column]))
                sums[column] += sign * weight
                squares[column] += weight * weight
            }
            let shift = Double(Float(map.bias[row]))
            bias += sign * shift
            biasSquares += shift * shift
        }
        weight = sums.map(Float.init)
        self.bias = bias
        self.biasSquares = biasSquares
        self.squares = zip(squares, sums).map { max($0, $1 * $1) }
    }

    /// The sum of the inputs themselves, as a residual adds it.
    init(signsOf channels: Int) {
        (inputs, outputs) = (channels, channels)
        signs = Self.signs(channels)
        weight = signs
        (bias, biasSquares) = (0, 0)
        squares = Array(repeating: 1, count: channels)
    }

    /// v: as many signs, always the same.
    static func signs(_ count: Int) -> [Float] {
        var generator = SplitMix64(seed: 0x5175)
        return (0..<count).map { _ in generator.next() & 1 == 0 ? 1 : -1 }
    }
}

/// Maps of one tensor whose sums are taken together, with one sum of squares for all of them.
struct SummedMaps: Sendable {
    let maps: [SummedMap]
    /// For each input the greatest that any map's squares are, relative to the greatest of the map.
    let squares: [Float]
    /// Of each map: its own squares are no more than this times those above.
    let limits: [Double]

    init(_ maps: [SummedMap]) {
        self.maps = maps
        let limits = maps.map { $0.squares.max() ?? 0 }
        self.limits = limits
        var greatest = [Double](repeating: 0, count: maps.first?.inputs ?? 0)
        for (map, limit) in zip(maps, limits) where limit > 0 {
            for column in greatest.indices {
                greatest[column] = max(greatest[column], map.squares[column] / limit)
            }
        }
        squares = greatest.map(Float.init)
    }
}
