/// An affine map of the channels at one position: `y[r] = Σ_c weight[r · inputs + c] x[c] + bias[r]`.
struct Linear: Sendable {
    let outputs: Int
    let inputs: Int
    var weight: [Double]
    var bias: [Double]

    /// The map of one position's channels.
    func apply(to x: [Double], _ y: UnsafeMutableBufferPointer<Double>) {
        for r in 0..<outputs {
            y[r] = Sums.dot(x, weight, at: Sums.Places(first: r * inputs, stride: 1, count: inputs)) + bias[r]
        }
    }

    var isZero: Bool { weight.allSatisfy { $0 == 0 } && bias.allSatisfy { $0 == 0 } }
}

/// Weights in the form in which both backends use them: the norm after W_z folded in, in Double, and w_f
/// split into its two halves.
struct FoldedWeights: Sendable {
    /// None where x itself is compared.
    let theta: Linear?
    let phi: Linear?
    let g: Linear
    /// W_z and what follows it.
    let output: Linear
    let groupNorm: BlockWeights.GroupNorm?
    /// a_i = scoreTheta θ_i and b_j = scorePhi φ_j of the outer sum; the bias of w_f is with b.
    let scoreTheta: Linear?
    let scorePhi: Linear?

    init(_ weights: BlockWeights, pairwise: Pairwise) {
        let comparesInput = pairwise == .gaussian
        theta = comparesInput ? nil : weights.theta.map(Linear.init)
        phi = comparesInput ? nil : weights.phi.map(Linear.init)
        g = Linear(weights.g)
        output = Linear(weights.output).followed(by: weights.norm)
        groupNorm = weights.groupNorm
        let halves = pairwise.formulation.score == .outerSum ? weights.pairwise?.halves : nil
        scoreTheta = halves?.theta
        scorePhi = halves?.phi
    }

    /// Whether z is x whatever x is: how a block is put into a trained network without disturbing it.
    var isIdentity: Bool { output.isZero }
}

extension Linear {
    init(_ projection: BlockWeights.Projection) {
        outputs = projection.weight.shape[0]
        inputs = projection.weight.shape[1]
        weight = projection.weight.elements.map(Double.init)
        bias = projection.bias?.elements.map(Double.init) ?? Array(repeating: 0, count: outputs)
    }

    /// The map with a norm at inference behind it, which is itself affine in each channel.
    func followed(by norm: BlockWeights.Norm) -> Linear {
        let gain: [Double]
        let offset: [Double]
        switch norm {
        case .none: return self
        case .affine(let scale, let shift):
            gain = scale.elements.map(Double.init)
            offset = shift.elements.map(Double.init)
        case .batchNorm(let scale, let shift, let mean, let variance, let epsilon):
            gain = zip(scale.elements, variance.elements).map {
                Double($0) / (Double($1) + epsilon).squareRoot()
            }
            offset = zip(shift.elements, zip(mean.elements, gain)).map { Double($0) - Double($1.0) * $1.1 }
        }
        var folded = self
        for row in 0..<outputs {
            for column in 0..<inputs { folded.weight[row * inputs + column] *= gain[row] }
            folded.bias[row] = bias[row] * gain[row] + offset[row]
        }
        return folded
    }
}

extension BlockWeights.PairwiseWeight {
    /// w_f as two maps to one channel each, the bias with the second: w_fᵀ [θ; φ] = theta θ + phi φ.
    var halves: (theta: Linear, phi: Linear) {
        let values = weight.elements.map(Double.init)
        let width = values.count / 2
        return (
            Linear(outputs: 1, inputs: width, weight: Array(values[..<width]), bias: [0]),
            Linear(outputs: 1, inputs: width, weight: Array(values[width...]), bias: [Double(bias)])
        )
    }
}
