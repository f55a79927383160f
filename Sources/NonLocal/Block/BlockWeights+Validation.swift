extension BlockWeights {
    /// Checks that a block of this configuration can be computed with these weights.
    ///
    /// C is the number of channels of x, d that of θ and φ (C where x itself is compared), d_v that of g.
    ///
    /// - Throws: ``NonLocalError/Code/weights`` if a weight is missing or of another shape, or a norm's
    ///   parameters make no sense; ``NonLocalError/Code/nonFinite`` if a weight has a NaN or an infinity.
    public func validate(for configuration: NonLocalBlock.Configuration) throws(NonLocalError) {
        try checkShapes(for: configuration)
        for (name, tensor) in named where tensor.firstNonFinite != nil {
            throw NonLocalError(
                .nonFinite, "\(name) has a NaN or an infinity",
                advice: "The file was damaged, the training diverged, or a float16 overflowed.")
        }
        if let pairwise, !pairwise.bias.isFinite {
            throw NonLocalError(.nonFinite, "the bias of the pairwise weight w_f is \(pairwise.bias)")
        }
        if case .batchNorm(_, _, _, let variance, let epsilon) = norm {
            try check(epsilon: epsilon, of: "the batch norm")
            guard variance.withUnsafeBufferPointer({ $0.allSatisfy { $0 >= 0 } }) else {
                throw NonLocalError(.weights, "the variance of the batch norm has a negative entry")
            }
        }
        if let groupNorm {
            try check(epsilon: groupNorm.epsilon, of: "the group norm")
            guard groupNorm.groups > 0, configuration.channels.isMultiple(of: groupNorm.groups) else {
                throw NonLocalError(
                    .weights,
                    "the group norm's \(groupNorm.groups) groups don't divide \(configuration.channels) channels",
                    advice: "Choose a number of groups that does.")
            }
        }
    }

    /// The part of ``validate(for:)`` that looks at no numbers.
    func checkShapes(for configuration: NonLocalBlock.Configuration) throws(NonLocalError) {
        let (channels, valueChannels) = (configuration.channels, configuration.valueChannels)
        var compared = channels
        if configuration.pairwise != .gaussian {
            guard (theta == nil) == (phi == nil) else {
                throw missing(theta == nil ? "theta" : "phi", configuration, "[d, C]")
            }
            if let theta, let phi {
                compared = configuration.innerChannels
                try check(theta, "theta", [compared, channels], "[d, C]")
                try check(phi, "phi", [compared, channels], "[d, C]")
            } else if configuration.pairwise.needsProjections {
                throw missing("theta", configuration, "[d, C]")
            }
        }
        try check(g, "g", [valueChannels, channels], "[d_v, C]")
        try check(output, "W_z", [channels, valueChannels], "[C, d_v]")
        switch norm {
        case .none: break
        case .affine(let scale, let shift):
            for tensor in [scale, shift] { try check(tensor, "the norm after W_z", [channels], "[C]") }
        case .batchNorm(let scale, let shift, let mean, let variance, _):
            for tensor in [scale, shift, mean, variance] {
                try check(tensor, "the batch norm after W_z", [channels], "[C]")
            }
        }
        if let groupNorm {
            for tensor in [groupNorm.scale, groupNorm.shift] {
                try check(tensor, "the group norm", [channels], "[C]")
            }
        }
        if configuration.pairwise.formulation.score == .outerSum {
            guard let pairwise else { throw missing("the pairwise weight w_f", configuration, "[2d]") }
            let (entries, overflow) = compared.multipliedReportingOverflow(by: 2)
            try check(pairwise.weight, "the pairwise weight w_f", [overflow ? -1 : entries], "[2d]")
        }
    }

    /// Every tensor with its name in messages.
    private var named: [(String, Tensor<Float>)] {
        var tensors: [(String, Tensor<Float>)] = []
        for (name, projection) in [("theta", theta), ("phi", phi), ("g", g), ("W_z", output)] {
            guard let projection else { continue }
            tensors.append(("the weight of \(name)", projection.weight))
            if let bias = projection.bias { tensors.append(("the bias of \(name)", bias)) }
        }
        switch norm {
        case .none: break
        case .affine(let scale, let shift):
            tensors += [("the scale of the norm", scale), ("the shift of the norm", shift)]
        case .batchNorm(let scale, let shift, let mean, let variance, _):
            tensors += [
                ("the scale of the batch norm", scale), ("the shift of the batch norm", shift),
                ("the mean of the batch norm", mean), ("the variance of the batch norm", variance),
            ]
        }
        if let groupNorm {
            tensors += [
                ("the scale of the group norm", groupNorm.scale),
                ("the shift of the group norm", groupNorm.shift),
            ]
        }
        if let pairwise { tensors.append(("the pairwise weight w_f", pairwise.weight)) }
        return tensors
    }

    private func check(
        _ projection: Projection, _ name: String, _ shape: [Int], _ meaning: String
    ) throws(NonLocalError) {
        try check(projection.weight, "the weight of \(name)", shape, meaning)
        if let bias = projection.bias {
            try check(bias, "the bias of \(name)", [shape[0]], "one for each output channel")
        }
    }

    private func check(
        _ tensor: Tensor<Float>, _ name: String, _ shape: [Int], _ meaning: String
    ) throws(NonLocalError) {
        guard tensor.shape == shape else {
            throw NonLocalError(
                .weights, "\(name) has the shape \(tensor.shape), the block needs \(shape), \(meaning)",
                advice: "Use the channels that the weights were made for, or other weights.")
        }
    }

    private func check(epsilon: Double, of norm: String) throws(NonLocalError) {
        guard epsilon.isFinite, epsilon >= 0 else {
            throw NonLocalError(.weights, "the epsilon of \(norm) is \(epsilon); it has to be at least 0")
        }
    }

    private func missing(
        _ name: String, _ configuration: NonLocalBlock.Configuration, _ shape: String
    ) -> NonLocalError {
        NonLocalError(
            .weights,
            "the pairwise function \(configuration.pairwise.name) needs \(name), \(shape), and there is none",
            advice: "Choose a pairwise function that goes with the weights, or give the weight.")
    }
}

extension Pairwise {
    /// Whether θ and φ have to be there; the generic form compares x itself without them.
    fileprivate var needsProjections: Bool {
        switch self {
        case .embeddedGaussian, .dotProduct, .concatenation: true
        case .gaussian, .generic: false
        }
    }
}
