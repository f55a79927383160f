/// Reads the tensors of a block that was found in a file.
struct BlockReader {
    let tensors: SafeTensors
    let place: BlockPlace
    private var names: DialectNames { place.names }

    init(tensors: SafeTensors, place: BlockPlace) {
        self.tensors = tensors
        self.place = place
    }

    func weights() throws -> BlockWeights {
        let hasTheta = has(names.theta.name + names.weight)
        return BlockWeights(
            theta: hasTheta ? try projection([names.theta]) : nil,
            phi: hasTheta ? try projection(names.phi) : nil,
            g: try projection(names.g),
            output: try projection(names.output),
            norm: try norm(),
            groupNorm: try groupNorm(),
            pairwise: try pairwiseWeight())
    }

    /// Whether the names say that φ and g are pooled.
    ///
    /// - Throws: ``NonLocalError/Code/weights`` if only one of them is.
    func isPooled() throws(NonLocalError) -> Bool {
        let g = stem(names.g)?.pooled ?? false
        if let phi = stem(names.phi), phi.pooled != g {
            throw NonLocalError(
                .weights, "'\(tensors.path)', block '\(place.prefix)': only one of phi and g is sub-sampled")
        }
        return g
    }

    private func has(_ name: String) -> Bool { tensors[place.prefix + name] != nil }

    private func stem(_ stems: [DialectNames.Stem]) -> DialectNames.Stem? {
        stems.first { has($0.name + names.weight) }
    }

    private func projection(_ stems: [DialectNames.Stem]) throws -> BlockWeights.Projection {
        let stem = stem(stems)?.name ?? stems[0].name
        return BlockWeights.Projection(
            weight: try matrix(stem + names.weight),
            bias: has(stem + names.bias) ? try vector(stem + names.bias) : nil)
    }

    private func norm() throws -> BlockWeights.Norm {
        guard let norm = names.batchNorm else { return .none }
        let keys = [norm.scale, norm.shift, norm.mean, norm.variance].map { norm.stem + $0 }
        guard keys.contains(where: has) else { return .none }
        let scale = try vector(keys[0])
        let shift = try vector(keys[1])
        guard has(keys[2]) || has(keys[3]) else { return .affine(scale: scale, shift: shift) }
        return .batchNorm(
            scale: scale, shift: shift, mean: try vector(keys[2]), variance: try vector(keys[3]),
            epsilon: norm.epsilon)
    }

    private func groupNorm() throws -> BlockWeights.GroupNorm? {
        guard let stem = names.groupNorm else { return nil }
        return BlockWeights.GroupNorm(scale: try vector(stem + ".weight"), shift: try vector(stem + ".bias"))
    }

    private func pairwiseWeight() throws -> BlockWeights.PairwiseWeight? {
        guard let stem = stem(names.pairwise)?.name else { return nil }
        let row = try matrix(stem + names.weight)
        guard row.shape[0] == 1 else { throw misshapen(stem + names.weight, needed: "[1, 2d]") }
        var bias: Float = 0
        if has(stem + names.bias) {
            let stored = try vector(stem + names.bias)
            guard stored.count == 1 else { throw misshapen(stem + names.bias, needed: "[1]") }
            bias = stored.elements[0]
        }
        return BlockWeights.PairwiseWeight(weight: try row.reshaped([row.count]), bias: bias)
    }

    /// `[rows, columns]`, whatever 1s the file has around them.
    private func matrix(_ name: String) throws -> Tensor<Float> {
        let shape = tensors[place.prefix + name]?.shape ?? []
        let extents = names.transposed ? shape.suffix(2) : shape.prefix(2)
        let ones = names.transposed ? shape.dropLast(2) : shape.dropFirst(2)
        guard extents.count == 2, extents.allSatisfy({ $0 > 0 }), ones.allSatisfy({ $0 == 1 }),
            shape.count <= 5
        else {
            throw misshapen(
                name,
                needed: names.transposed
                    ? "[C, d] of a convolution of size 1, such as [1, 1, C, d]"
                    : "[d, C] of a convolution of size 1, such as [d, C, 1, 1, 1]")
        }
        let matrix = try tensors.tensor(place.prefix + name).reshaped(Array(extents))
        return names.transposed ? try matrix.reversingDimensions() : matrix
    }

    private func vector(_ name: String) throws -> Tensor<Float> {
        let tensor = try tensors.tensor(place.prefix + name)
        guard tensor.shape.count == 1 else { throw misshapen(name, needed: "one dimension") }
        return tensor
    }

    private func misshapen(_ name: String, needed: String) -> NonLocalError {
        let key = place.prefix + name
        return NonLocalError(
            .weights,
            "'\(key)' in '\(tensors.path)' has the shape \(tensors[key]?.shape ?? []), not \(needed)")
    }
}
