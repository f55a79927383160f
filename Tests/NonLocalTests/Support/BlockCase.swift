import Testing

@testable import NonLocal

/// A block with weights and an input that follow from its description alone.
struct BlockCase: CustomTestStringConvertible, Sendable {
    enum Norm: String, Sendable, CaseIterable { case none, batchNorm, affine }

    var configuration: NonLocalBlock.Configuration
    /// The shape of x.
    var shape: [Int]
    var biases = true
    var norm = Norm.none
    /// Groups of a group norm in front, or 0.
    var normGroups = 0
    /// The deviation of x, and its mean.
    var deviation = 1.0
    var mean = 0.0

    init(
        _ shape: [Int], biases: Bool = true, norm: Norm = .none, normGroups: Int = 0, deviation: Double = 1,
        mean: Double = 0, inner: Int? = nil, value: Int? = nil, layout: Layout = .channelsFirst,
        _ change: (inout NonLocalBlock.Configuration) -> Void = { _ in }
    ) {
        configuration = .init(
            channels: layout == .channelsFirst ? shape[1] : shape[shape.count - 1], innerChannels: inner,
            valueChannels: value, layout: layout)
        change(&configuration)
        self.shape = shape
        self.biases = biases
        self.norm = norm
        self.normGroups = normGroups
        self.deviation = deviation
        self.mean = mean
    }

    var testDescription: String {
        let c = configuration
        var words = ["\(c.pairwise.name) \(shape) d \(c.innerChannels) d_v \(c.valueChannels)"]
        if c.subsample != .none { words.append("\(c.subsample.rawValue) \(c.pool)") }
        if c.scale != .none { words.append("scale \(c.scale)") }
        if c.scope != .spacetime { words.append(c.scope.rawValue) }
        if c.ownWeight != .include { words.append("own weight \(c.ownWeight.rawValue)") }
        if c.layout != .channelsFirst { words.append(c.layout.rawValue) }
        if !c.residual { words.append("no residual") }
        if !biases { words.append("no biases") }
        if norm != .none { words.append(norm.rawValue) }
        if normGroups > 0 { words.append("\(normGroups) groups") }
        if deviation != 1 { words.append("x ± \(deviation)") }
        if mean != 0 { words.append("mean \(mean)") }
        return words.joined(separator: ", ")
    }

    func block() throws -> NonLocalBlock { try NonLocalBlock(configuration, weights: weights()) }

    func input(seed: UInt64 = 1) throws -> Tensor<Float> {
        try .normal(shape: shape, mean: mean, deviation: deviation, seed: seed)
    }

    func weights() throws -> BlockWeights {
        let (channels, inner) = (configuration.channels, configuration.innerChannels)
        var seed: UInt64 = 100
        func normal(_ shape: [Int], mean: Double = 0, deviation: Double) throws -> Tensor<Float> {
            seed += 1
            return try .normal(shape: shape, mean: mean, deviation: deviation, seed: seed)
        }
        func projection(_ rows: Int, _ columns: Int) throws -> BlockWeights.Projection {
            BlockWeights.Projection(
                weight: try normal([rows, columns], deviation: 1 / Double(columns).squareRoot()),
                bias: biases ? try normal([rows], deviation: 0.5) : nil)
        }
        let comparesInput = configuration.pairwise == .gaussian
        var weights = BlockWeights(
            theta: comparesInput ? nil : try projection(inner, channels),
            phi: comparesInput ? nil : try projection(inner, channels),
            g: try projection(configuration.valueChannels, channels),
            output: try projection(channels, configuration.valueChannels))
        if configuration.pairwise.formulation.score == .outerSum {
            weights.pairwise = BlockWeights.PairwiseWeight(
                weight: try normal([2 * inner], deviation: 1 / Double(inner).squareRoot()),
                bias: biases ? 0.25 : 0)
        }
        let ones = try normal([channels], mean: 1, deviation: 0.2)
        let shift = try normal([channels], deviation: 0.3)
        switch norm {
        case .none: break
        case .affine: weights.norm = .affine(scale: ones, shift: shift)
        case .batchNorm:
            weights.norm = .batchNorm(
                scale: ones, shift: shift, mean: try normal([channels], deviation: 0.3),
                variance: try normal([channels], deviation: 1).map { $0 * $0 + 0.1 }, epsilon: 1e-5)
        }
        if normGroups > 0 {
            weights.groupNorm = .init(groups: normGroups, scale: ones, shift: shift)
        }
        return weights
    }

    /// Runs the case on the device, in the form that the plan chooses and in the general one, and compares every
    /// position with the reference.
    func check(memoryLimit: Int? = nil, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let prepared = try block().prepared(
            for: shape, on: TestDevice.session(), validation: .full, memoryLimit: memoryLimit)
        try check(prepared, sourceLocation)
        guard let form = prepared.plan.form, form != FusedForm.panels.rawValue else { return }
        try check(
            block().prepared(
                for: shape, on: TestDevice.session(), validation: .full, memoryLimit: memoryLimit,
                form: .panels), sourceLocation)
    }

    private func check(_ prepared: PreparedBlock, _ sourceLocation: SourceLocation) throws {
        let result = try prepared.run(try input())
        let positions = shape.reduce(1, *) / configuration.channels
        let report = result.validation
        #expect(
            report.rows == positions && report.rowsInAll == positions, "\(report)",
            sourceLocation: sourceLocation)
        #expect(
            (report.maxRelativeError ?? .infinity) <= report.tolerance ?? 0, sourceLocation: sourceLocation)
        let bad = result.output.elements.firstIndex { !$0.isFinite }
        #expect(bad == nil, "z is not finite at flat index \(bad ?? 0)", sourceLocation: sourceLocation)
        #expect(prepared.plan.backend == "opencl", sourceLocation: sourceLocation)
    }
}
