@testable import NonLocal

/// The formulas of unpooled blocks written down once more, in Double and on lists of positions, for checks
/// that use nothing of the library's own arithmetic.
struct PlainFormulas {
    /// x of one item, `[position][channel]`.
    let x: [[Double]]
    let weights: BlockWeights

    init(_ x: Tensor<Float>, item: Int = 0, weights: BlockWeights) {
        let (channels, positions) = (x.shape[1], x.shape[2...].reduce(1, *))
        let elements = x.elements
        self.x = (0..<positions).map { n in
            (0..<channels).map { Double(elements[(item * channels + $0) * positions + n]) }
        }
        self.weights = weights
    }

    /// y of one item by the concatenation, `[channel][query]`: Σ_j max(a_i + b_j, 0) g_j / M.
    static func concatenation(a: Tensor<Float>, b: Tensor<Float>, g: Tensor<Float>) -> [Double] {
        let (b, values) = (b.elements, g.elements)
        var y: [Double] = []
        for channel in 0..<g.shape[1] {
            for a in a.elements {
                var sum = 0.0
                for j in b.indices {
                    sum += max(Double(a) + Double(b[j]), 0) * Double(values[channel * b.count + j])
                }
                y.append(sum / Double(b.count))
            }
        }
        return y
    }

    /// `weight · x + bias` at each position.
    static func project(_ x: [[Double]], _ projection: BlockWeights.Projection?) -> [[Double]] {
        guard let projection else { return x }
        let (outputs, inputs) = (projection.weight.shape[0], projection.weight.shape[1])
        let weight = projection.weight.elements.map(Double.init)
        let bias = projection.bias?.elements.map(Double.init) ?? Array(repeating: 0, count: outputs)
        return x.map { x in
            (0..<outputs).map { r in bias[r] + dot(Array(weight[r * inputs..<(r + 1) * inputs]), x) }
        }
    }

    var theta: [[Double]] { Self.project(x, weights.theta) }
    var phi: [[Double]] { Self.project(x, weights.phi) }
    var g: [[Double]] { Self.project(x, weights.g) }

    /// W_z y + x, in the order of the library's `[C, N]`.
    func z(_ y: [[Double]]) -> [Double] {
        let z = zip(Self.project(y, weights.output), x).map { zip($0, $1).map { $0 + $1 } }
        return (0..<x[0].count).flatMap { c in z.map { $0[c] } }
    }

    static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
}
