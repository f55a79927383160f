/// The steps around the operation, one formula each, on one batch item.
enum ReferenceStages {
    /// `y[r, n] = Σ_c weight[r, c] x[c, n] + bias[r]`; x itself without a map.
    static func project(_ x: Field, by map: Linear?) -> Field {
        guard let map else { return x }
        var y = Field(channels: map.outputs, positions: x.positions)
        let work = map.outputs * map.inputs * x.positions
        y.values = parallelRows(map.outputs, width: x.positions, work: work) { r, row in
            row.update(repeating: map.bias[r])
            guard let sums = row.baseAddress else { return }
            for c in 0..<map.inputs {
                let channel = Sums.Places(first: c * x.positions, stride: 1, count: x.positions)
                Sums.add(map.weight[r * map.inputs + c], times: x.values, at: channel, to: sums)
            }
        }
        return y
    }

    /// The channels of `body` of a map, some after the others where a monitor follows them and may stop there.
    ///
    /// - Parameter body: treats each output of the map alike.
    static func inParts(
        of map: Linear, _ monitor: RunMonitor?, _ body: (Linear) throws -> Field
    ) throws -> Field {
        guard let monitor else { return try body(map) }
        var values: [Double] = []
        for first in stride(from: 0, to: map.outputs, by: 32) {
            let part = try body(map[first..<min(first + 32, map.outputs)])
            values += part.values
            monitor.advance(
                by: operations(of: map, at: part.positions) / Double(map.outputs) * Double(part.channels))
            try monitor.check()
        }
        return Field(channels: map.outputs, positions: values.count / map.outputs, values: values)
    }

    /// Of a product with a map, a multiply-add counting two.
    static func operations(of map: Linear, at positions: Int) -> Double {
        2 * Double(map.inputs) * Double(map.outputs) * Double(positions)
    }

    /// The maximum over each window; a NaN in the window is its result.
    static func maxPool(_ x: Field, grid: Grid, window: Geometry.Window?) -> Field {
        switch window {
        case nil: x
        case .flat(let size): maxPool(x, grid: Grid(t: 1, h: 1, w: x.positions), t: 1, h: 1, w: size)
        case .grid(let t, let h, let w): maxPool(x, grid: grid, t: t, h: h, w: w)
        }
    }

    private static func maxPool(_ x: Field, grid: Grid, t: Int, h: Int, w: Int) -> Field {
        let pooled = Grid(t: grid.t / t, h: grid.h / h, w: grid.w / w)
        var y = Field(channels: x.channels, positions: pooled.count)
        for c in 0..<x.channels {
            for k in 0..<pooled.count {
                let (k0, k1, k2) = (k / (pooled.h * pooled.w), k / pooled.w % pooled.h, k % pooled.w)
                var maximum = -Double.infinity
                for dt in 0..<t {
                    for dh in 0..<h {
                        for dw in 0..<w {
                            let value = x[c, ((k0 * t + dt) * grid.h + k1 * h + dh) * grid.w + k2 * w + dw]
                            if value > maximum || value.isNaN { maximum = value }
                        }
                    }
                }
                y[c, k] = maximum
            }
        }
        return y
    }

    /// `(x − mean) / √(variance + ε) · scale + shift`, mean and variance over a group of channels and all
    /// positions; x itself without a norm.
    static func groupNorm(_ x: Field, _ norm: BlockWeights.GroupNorm?) -> Field {
        guard let norm else { return x }
        var y = x
        let size = x.channels / norm.groups * x.positions
        let (scale, shift) = (norm.scale.elements, norm.shift.elements)
        for group in 0..<norm.groups {
            let range = group * size..<(group + 1) * size
            let mean = x.values[range].reduce(0, +) / Double(size)
            let variance = x.values[range].reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(size)
            let inverse = 1 / (variance + norm.epsilon).squareRoot()
            for index in range {
                let channel = index / x.positions
                y.values[index] =
                    (x.values[index] - mean) * inverse * Double(scale[channel]) + Double(shift[channel])
            }
        }
        return y
    }
}
