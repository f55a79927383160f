import SwiftOpenCL

extension VerificationProblems {
    /// Whole blocks over all forms and options, every row compared, by the staged strategy, by the one that
    /// the plan would choose, by that with a kernel a stage, and with maps of the queries applied to the keys; those of
    /// the tile kernels in 16 bits, too.
    var blockProblems: [Problem] {
        let ways: [(Strategy, FusedForm?)] = [(.staged, nil), (.automatic, nil), (.automatic, .panels)]
        return ways.flatMap { strategy, form in
            (form == nil ? blocks : softmaxes).map { block($0, strategy, form) }
        }
            + absorbing.map { block($0, .fused, nil, .on) }
            + (kernels != .tile
                ? []
                : [Strategy.staged, .fused].flatMap { strategy in
                    softmaxes.map { block($0, strategy, nil, .automatic, .mixed) }
                })
    }

    /// The same blocks with sums taken over all rows: the largest difference, relative to its tolerance.
    var checksumProblems: [Problem] {
        func sums(_ block: Block, _ strategy: Strategy, _ absorb: Absorption = .off) -> Problem {
            Problem(family: "checksum", problem: words(block, strategy, .panels, absorb)) {
                var options = options(strategy, .panels)
                (options.absorb, options.validation, options.checksums) = (absorb, .off, .on)
                return (try run(block, options).validation.maxSumError ?? .infinity, 1, nil)
            }
        }
        return [Strategy.staged, .automatic].flatMap { strategy in
            // Re-associated products leave nothing to sum where all of them are joined.
            blocks.filter { strategy == .staged || $0.configuration.pairwise != .dotProduct }
                .map { sums($0, strategy) }
        } + absorbing.map { sums($0, .fused, .on) }
    }

    private var softmaxes: [Block] {
        blocks.filter { $0.configuration.pairwise.formulation == Pairwise.embeddedGaussian.formulation }
    }

    /// Those in which maps of the queries can be applied to the keys.
    private var absorbing: [Block] {
        kernels == .panel ? softmaxes.filter { $0.configuration.scope != .time } : []
    }

    private struct Block {
        let configuration: NonLocalBlock.Configuration
        let shape: [Int]
        var normGroups = 0
    }

    private var blocks: [Block] {
        let forms: [Pairwise] = [
            .gaussian, .embeddedGaussian, .dotProduct, .concatenation,
            .generic(.negativeSquaredDistance, weight: .exp(.score / 2), normalizer: .sum),
        ]
        let pooled = forms.flatMap { form in
            Subsample.allCases.map { subsample in
                Block(
                    configuration: .init(channels: 6, innerChannels: 5, pairwise: form, subsample: subsample),
                    shape: [2, 6, 2, 5, 4])
            }
        }
        let scopes = Scope.allCases.map {
            Block(configuration: .init(channels: 3, valueChannels: 2, scope: $0), shape: [2, 3, 3, 2, 4])
        }
        let pixels = OwnWeight.allCases.map {
            Block(
                configuration: .init(
                    channels: 5, valueChannels: 2, scale: .factor(-0.5), scope: .time, ownWeight: $0),
                shape: [2, 5, 5, 3, 7])
        }
        let own = [OwnWeight.exclude, .strongest].map {
            Block(configuration: .init(channels: 4, scale: .factor(-0.5), ownWeight: $0), shape: [1, 4, 9])
        }
        return pooled + scopes + pixels + own + [
            Block(
                configuration: .init(
                    channels: 5, subsample: .convFirst, pool: .flat(2), layout: .channelsLast),
                shape: [2, 3, 3, 5]),
            Block(
                configuration: .init(channels: 6, scale: .inverseSquareRoot), shape: [2, 6, 7], normGroups: 3),
        ]
    }

    /// The bare operation, with other channels for g.
    var operationProblems: [Problem] {
        [Pairwise.embeddedGaussian, .dotProduct, .concatenation].flatMap { form in
            [(1, 1, 1, 1), (67, 3, 9, 70), (8, 65, 66, 2)].map { width, values, rows, keys in
                Problem(
                    family: "operation", problem: "\(form.name), d \(width), d_v \(values), \(rows) × \(keys)"
                ) {
                    let isOuterSum = form.formulation.score == .outerSum
                    let operation = NonLocalOperation(
                        pairwise: form, scale: isOuterSum ? .none : .inverseSquareRoot,
                        pairwiseWeight: isOuterSum
                            ? .init(weight: try .normal(shape: [2 * width], seed: 4)) : nil)
                    let theta = try Tensor.normal(shape: [2, width, rows], seed: 1)
                    let phi = try Tensor.normal(shape: [2, width, keys], seed: 2)
                    let g = try Tensor.normal(shape: [2, values, keys], seed: 3)
                    let prepared = try PreparedOperation(
                        operation, OperationShape(operation, theta: theta.shape, phi: phi.shape, g: g.shape),
                        session: session, options: options(.automatic))
                    return try verdict(prepared.run(theta: theta, phi: phi, g: g))
                }
            }
        }
    }

    private func block(
        _ block: Block, _ strategy: Strategy, _ form: FusedForm?, _ absorb: Absorption = .automatic,
        _ precision: Precision = .float32
    ) -> Problem {
        let words =
            words(block, strategy, form, absorb)
            + (precision == .float32 ? "" : ", \(precision.rawValue)")
        return Problem(family: "block", problem: words) {
            var options = options(strategy, form)
            (options.absorb, options.precision) = (absorb, precision)
            return try verdict(run(block, options))
        }
    }

    private func words(
        _ block: Block, _ strategy: Strategy, _ form: FusedForm?, _ absorb: Absorption
    ) -> String {
        let configuration = block.configuration
        var words = [
            [strategy.rawValue, form?.rawValue].compactMap { $0 }.joined(separator: " in "),
            configuration.pairwise.name, configuration.subsample.rawValue, configuration.scope.rawValue,
        ]
        if configuration.ownWeight != .include {
            words.append("own weight \(configuration.ownWeight.rawValue)")
        }
        if configuration.layout == .channelsLast { words.append("channels last") }
        if block.normGroups > 0 { words.append("group norm") }
        if absorb == .on { words.append("maps absorbed") }
        return "\(words.joined(separator: ", ")), \(block.shape)"
    }

    private func run(_ block: Block, _ options: RunOptions) throws -> BlockResult {
        let configuration = block.configuration
        var weights = try BlockWeights.random(for: configuration, seed: 4, zeroInitialized: false)
        if block.normGroups > 0 {
            weights.groupNorm = BlockWeights.GroupNorm(
                groups: block.normGroups, scale: try .normal(shape: [configuration.channels], seed: 5),
                shift: try .normal(shape: [configuration.channels], seed: 6))
        }
        let prepared = try PreparedBlock(
            configuration, FoldedWeights(weights, pairwise: configuration.pairwise), shape: block.shape,
            session: session, options: options)
        return try prepared.run(.normal(shape: block.shape, seed: 7))
    }

    /// The smallest of the tiles computes small problems with the least waste.
    private func options(_ strategy: Strategy, _ form: FusedForm? = nil) -> RunOptions {
        RunOptions(
            strategy: strategy, kernels: kernels, groupTile: GroupTile.candidates(session.device).last,
            testsKernels: false, form: form, validation: .full)
    }

    func verdict(_ result: BlockResult) throws -> (error: Double, tolerance: Double, message: String?) {
        (result.validation.maxRelativeError ?? 0, result.validation.tolerance ?? 0, nil)
    }
}
