/// An affine map of the channels at one position: `y[r] = Σ_c weight[r · inputs + c] x[c] + bias[r]`.
struct Linear: Sendable {
    let outputs: Int
    let inputs: Int
    var weight: [Double]
    var bias: [Double]

    /// The map to some of its outputs.
    subscript(range: Range<Int>) -> Linear {
        Linear(
            outputs: range.count, inputs: inputs,
            weight: Array(weight[range.lowerBound * inputs..<range.upperBound * inputs]),
            bias: Array(bias[range]))
    }

    var isZero: Bool { weight.allSatisfy { $0 == 0 } && bias.allSatisfy { $0 == 0 } }

    /// Whether rounding to float32 overflows nowhere and doesn't lose all of a weight.
    var fitsFloat: Bool {
        let largest = weight.reduce(0) { max($0, $1.magnitude) }
        return (largest == 0 || Float(largest).isNormal) && bias.allSatisfy { Float($0).isFinite }
    }
}

/// Weights in the form in which both backends use them: the norm after W_z folded in, in Double, and w_f
/// split into its two halves.
struct FoldedWeights: Sendable {
    /// None where x itself is compared.
    private(set) var theta: Linear?
    private(set) var phi: Linear?
    let g: Linear
    /// W_z and what follows it.
    let output: Linear
    let groupNorm: BlockWeights.GroupNorm?
    /// a_i = scoreTheta θ_i and b_j = scorePhi φ_j of the outer sum; the bias of w_f is with b.
    private(set) var scoreTheta: Linear?
    private(set) var scorePhi: Linear?

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

    /// The same a and b by maps of x to one channel each, a = (W_θᵀ w_θ)ᵀ x + w_θᵀ b_θ, which then stand in
    /// the place of θ and φ.
    ///
    /// A product of weights that float32 can't hold stays as it is.
    ///
    /// - Parameter keepsPhi: leaves b as it is: where φ itself is pooled, nothing can be folded into it.
    func foldingScores(keepsPhi: Bool) -> FoldedWeights {
        func folded(_ map: Linear?, _ score: Linear?) -> Linear? {
            score.map { score in map.map(score.after) ?? score }.flatMap { $0.fitsFloat ? $0 : nil }
        }
        var result = self
        if let map = folded(theta, scoreTheta) { (result.theta, result.scoreTheta) = (map, nil) }
        if !keepsPhi, let map = folded(phi, scorePhi) { (result.phi, result.scorePhi) = (map, nil) }
        return result
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

    /// This map behind another.
    func after(_ first: Linear) -> Linear {
        var weight = [Double](repeating: 0, count: outputs * first.inputs)
        var bias = bias
        for row in 0..<outputs {
            for inner in 0..<inputs {
                let factor = self.weight[row * inputs + inner]
                bias[row] += factor * first.bias[inner]
                for column in 0..<first.inputs {
                    weight[row * first.inputs + column] +=
                        factor * first.weight[inner * first.inputs + column]
                }
            }
        }
        return Linear(outputs: outputs, inputs: first.inputs, weight: weight, bias: bias)
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

extension Linear {
    /// `[weight bias]`, without a bias of its own: the same map of channels with a row of ones below them.
    var onesAppended: Linear {
        let rows = (0..<outputs).flatMap { row in weight[row * inputs..<(row + 1) * inputs] + [bias[row]] }
        return Linear(
            outputs: outputs, inputs: inputs + 1, weight: rows, bias: Array(repeating: 0, count: outputs))
    }

    /// biasᵀ as a map to one channel.
    var biasAsMap: Linear { Linear(outputs: 1, inputs: outputs, weight: bias, bias: [0]) }

    /// weightᵀ, without a bias.
    var transposed: Linear {
        let columns = (0..<inputs).flatMap { column in (0..<outputs).map { weight[$0 * inputs + column] } }
        return Linear(
            outputs: inputs, inputs: outputs, weight: columns, bias: Array(repeating: 0, count: inputs))
    }
}
