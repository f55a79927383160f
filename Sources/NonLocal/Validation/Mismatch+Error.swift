extension NonLocalError {
    /// What was wrong, on which device, by which kernels, and how to see more of it.
    ///
    /// - Parameters:
    ///   - configuration: of the block; none for the bare operation.
    ///   - method: by which the result was computed; the plan's without.
    init(
        _ mismatch: Mismatch, _ plan: Plan, _ configuration: NonLocalBlock.Configuration? = nil,
        by method: Method? = nil
    ) {
        let device = plan.device ?? plan.backend
        let way = Way(plan, method)
        let stage = mismatch.stage
        let reference = stage.isSum ? "what it has to agree with" : "the reference"
        let channel = stage.isSum ? "" : ", channel \(mismatch.channel)"
        let error = stage.isSum ? "error" : "relative error"
        self.init(
            .mismatch,
            "\(stage.words(on: device)) differs from \(reference): item \(mismatch.item), "
                + "\(stage.isOfKeys ? "key" : "row") \(mismatch.row)\(channel): expected \(mismatch.expected), "
                + "actual \(mismatch.actual), \(error) \(mismatch.relativeError), "
                + "tolerance \(mismatch.tolerance), strategy \(way.strategy.rawValue)"
                + (way.absorbed.map { " with \($0) absorbed" } ?? ""),
            advice: mismatch.actual.isFinite
                ? Self.advice(plan, way, configuration, stage)
                : "Numbers beyond float32's range give this too: scale x or the weights down.",
            mismatch: mismatch)
    }

    private static func advice(
        _ plan: Plan, _ way: Way, _ configuration: NonLocalBlock.Configuration?, _ stage: Mismatch.Stage
    ) -> String {
        let device = plan.device.map { " --device '\($0)'" } ?? ""
        let verify = "Run `nonlocal verify\(device)` to see which kernel of this device is wrong"
        guard let options = configuration?.commandOptions else { return verify + "." }
        let shape = plan.inputShape.map(String.init).joined(separator: "x")
        return verify
            + ", or `nonlocal bench --shape \(shape) \(options) --strategy \(way.strategy.rawValue)"
            + "\(way.absorbOption)\(device) "
            + (stage.isSum
                ? "--checksums on` to take such sums of such a block on random numbers."
                : "--validate full` to compare every row of such a block on random numbers.")
    }
}

/// How a result was computed, as far as a command can ask for it.
private struct Way {
    let strategy: Strategy
    let absorbed: String?
    private let kernels: KernelClass?

    init(_ plan: Plan, _ method: Method?) {
        strategy = method?.strategy ?? plan.strategy
        absorbed = method.map(\.absorbed.names) ?? plan.absorbed
        kernels = method?.kernels ?? plan.kernels
    }

    /// What has the command absorb the same maps; nothing where there is no choice.
    var absorbOption: String {
        guard strategy == .fused, kernels == .panel else { return "" }
        let choice: Absorption =
            absorbed == nil ? .off : absorbed == AbsorbedMaps.all.names ? .on : .automatic
        return " --absorb \(choice.rawValue)"
    }
}

extension Mismatch.Stage {
    /// Whether its rows are keys.
    fileprivate var isOfKeys: Bool {
        [.pooledPhi, .pooledG, .phiSum, .gSum, .absorbedThetaSum, .absorbedOutputSum].contains(self)
    }

    fileprivate func words(on device: String) -> String {
        switch self {
        case .result: "the result of '\(device)'"
        case .pooledPhi: "φ as '\(device)' pooled it"
        case .pooledG: "g as '\(device)' pooled it"
        case .thetaSum: "the sum of θ by '\(device)'"
        case .phiSum: "the sum of φ by '\(device)'"
        case .gSum: "the sum of g by '\(device)'"
        case .absorbedThetaSum: "the sum of W_θᵀ φ by '\(device)'"
        case .absorbedOutputSum: "the sum of W_z g by '\(device)'"
        case .affinitySum: "the sum of affinities by '\(device)'"
        case .weightSum: "the sum of weights by '\(device)'"
        case .aggregateSum: "the sum of y by '\(device)'"
        case .resultSum: "the sum of z by '\(device)'"
        }
    }
}

extension NonLocalBlock.Configuration {
    /// What the command calls it, or none if it has no words for it.
    var commandOptions: String? {
        if case .generic = pairwise { return nil }
        var options = ["--pairwise \(pairwise.name)"]
        if innerChannels != max(channels / 2, 1) { options.append("--inner \(innerChannels)") }
        if valueChannels != innerChannels { options.append("--value-channels \(valueChannels)") }
        if subsample != .none { options.append("--subsample \(subsample.rawValue)") }
        switch pool {
        case .standard: break
        case .window(let t, let h, let w): options.append("--pool \(t),\(h),\(w)")
        case .flat(let size): options.append("--pool flat,\(size)")
        }
        switch scale {
        case .none: break
        case .inverseSquareRoot: options.append("--scale sqrt")
        case .factor(let factor): options.append("--scale \(factor)")
        }
        if scope != .spacetime { options.append("--scope \(scope.rawValue)") }
        if layout == .channelsLast { options.append("--layout channels-last") }
        if ownWeight != .include { options.append("--own-weight \(ownWeight.rawValue)") }
        return options.joined(separator: " ")
    }
}
