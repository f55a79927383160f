public import ArgumentParser
public import NonLocal

/// What a block computes. What is not given, the weights' dialect decides.
struct BlockOptions: ParsableArguments {
    @Option(help: "The pairwise function f; embedded-gaussian unless a file implies another.")
    var pairwise: PairwiseName?

    @Option(
        help: """
            Max pooling of the key positions: none, after the projections, or before them; none unless a file implies \
            it.
            """)
    var subsample: Subsample?

    @Option(
        help: ArgumentHelp(
            "The pooling window, or flat,k over flattened positions; 1,2,2 by default, 2,2 and 2 in fewer dimensions.",
            valueName: "t,h,w|flat,k"))
    var pool: PoolOption?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "What the affinity is multiplied by; sqrt means 1/√d; none unless a file implies it.",
            valueName: "none|sqrt|number"))
    var scale: ScaleOption?

    @Option(
        help:
            "What a position is compared with: all positions (spacetime, the default), its frame, or its pixel's column."
    )
    var scope: Scope?

    @Option(
        help: "What becomes of a position's own weight; include by default, strongest in maps of pictures.")
    var ownWeight: OwnWeight?

    @Option(
        help:
            "The order of the input's and the output's dimensions; channels-first unless a file implies the other."
    )
    var layout: Layout?

    /// Replaces what was given as an option.
    func apply(to configuration: inout NonLocalBlock.Configuration) throws {
        if let subsample { configuration.subsample = subsample }
        if let pool {
            guard configuration.subsample != .none else {
                throw Failure(
                    "--pool has no effect on a block that does not sub-sample",
                    advice: "Add --subsample conv-first or pool-first.")
            }
            configuration.pool = pool.pool
        }
        if let scale { configuration.scale = scale.scale }
        if let scope { configuration.scope = scope }
        if let ownWeight { configuration.ownWeight = ownWeight }
        if let layout { configuration.layout = layout }
    }
}

enum PairwiseName: String, CaseIterable, ExpressibleByArgument {
    case embeddedGaussian = "embedded-gaussian"
    case gaussian
    case dotProduct = "dot-product"
    case concatenation

    var pairwise: Pairwise {
        switch self {
        case .embeddedGaussian: .embeddedGaussian
        case .gaussian: .gaussian
        case .dotProduct: .dotProduct
        case .concatenation: .concatenation
        }
    }
}

/// `t,h,w` or `flat,k`, all positive.
struct PoolOption: ExpressibleByArgument {
    let pool: Pool

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let sizes = parts.compactMap(Int.init)
        guard sizes.allSatisfy({ $0 > 0 }) else { return nil }
        if parts.count == 2, parts[0] == "flat", sizes.count == 1 {
            pool = .flat(sizes[0])
        } else if parts.count == 3, sizes.count == 3 {
            pool = .window(t: sizes[0], h: sizes[1], w: sizes[2])
        } else {
            return nil
        }
    }
}

/// `none`, `sqrt` or a finite number.
struct ScaleOption: ExpressibleByArgument {
    let scale: Scale

    init?(argument: String) {
        switch argument {
        case "none": scale = .none
        case "sqrt": scale = .inverseSquareRoot
        default:
            guard let factor = Double(argument), factor.isFinite else { return nil }
            scale = .factor(factor)
        }
    }
}

extension Subsample: ExpressibleByArgument {}
extension Scope: ExpressibleByArgument {}
extension OwnWeight: ExpressibleByArgument {}
extension Layout: ExpressibleByArgument {}
extension Dialect: ExpressibleByArgument {}
extension KernelClass: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {
    static let help: ArgumentHelp = """
        What OpenCL devices keep operands in: mixed is float16 where the numbers fit, else bfloat16, and float32 \
        where a device's kernels know neither.
        """
}
extension Strategy: ExpressibleByArgument {}
extension Skipping: ExpressibleByArgument {}
extension Absorption: ExpressibleByArgument {}
extension Checksums: ExpressibleByArgument {}
extension AttentionMaps.Quantity: ExpressibleByArgument {}

extension NonLocalBlock.Configuration {
    /// What the block computes, in a few words.
    var summary: String {
        var words = ["\(pairwise.name)", "C \(channels), d \(innerChannels)"]
        if valueChannels != innerChannels { words.append("d_v \(valueChannels)") }
        words.append(subsample == .none ? "no sub-sampling" : "\(subsample.rawValue) \(pool.summary)")
        switch scale {
        case .none: words.append("scale 1")
        case .inverseSquareRoot: words.append("scale 1/√d")
        case .factor(let factor): words.append("scale \(factor)")
        }
        if scope != .spacetime { words.append("scope \(scope.rawValue)") }
        if layout != .channelsFirst { words.append(layout.rawValue) }
        if ownWeight != .include { words.append("own weight \(ownWeight.rawValue)") }
        return words.joined(separator: ", ")
    }
}

extension Pool {
    fileprivate var summary: String {
        switch self {
        case .standard: "by 2"
        case .window(let t, let h, let w): "\(t),\(h),\(w)"
        case .flat(let size): "flat \(size)"
        }
    }
}
