extension NonLocalBlock.Configuration {
    /// - Throws: ``NonLocalError/Code/configuration`` if the configuration contradicts itself.
    func validate() throws(NonLocalError) {
        guard channels > 0, innerChannels > 0, valueChannels > 0 else {
            throw NonLocalError(
                .configuration,
                "a block of \(channels) channels, \(innerChannels) inner and \(valueChannels) value channels",
                advice: "Each has to be at least 1.")
        }
        try pairwise.formulation.validate(scale: scale, ownWeight: ownWeight)
        guard ownWeight == .include || subsample == .none else {
            throw NonLocalError(
                .configuration, "own weight \(ownWeight.rawValue) can't be combined with sub-sampling",
                advice: "With pooled keys no key is the query itself: use --subsample none.")
        }
    }
}

extension Formulation {
    /// - Throws: ``NonLocalError/Code/configuration`` if scale or own weight have no meaning here.
    func validate(scale: Scale, ownWeight: OwnWeight) throws(NonLocalError) {
        guard score != .outerSum || scale == .none else {
            throw NonLocalError(
                .configuration, "the outer sum of the concatenation form takes no scale",
                advice: "Scale w_f instead.")
        }
        if case .factor(let factor) = scale, !Float(factor).isFinite {
            throw NonLocalError(.configuration, "a scale of \(factor) is not finite in float32")
        }
        guard ownWeight == .include || normalizer == .softmax else {
            throw NonLocalError(
                .configuration, "own weight \(ownWeight.rawValue) goes with softmax forms only",
                advice: "Use a Gaussian form, or a generic one normalised by softmax.")
        }
    }
}
