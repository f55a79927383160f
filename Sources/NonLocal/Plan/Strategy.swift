import SwiftOpenCL

/// The way a plan computes the operation.
public enum Strategy: String, Sendable, Hashable, CaseIterable {
    /// The plan's choice.
    case automatic
    /// Affinity, normalisation and aggregation one after the other, in row blocks: bounded memory, plain
    /// kernels, attention maps.
    case staged
    /// One pass with online softmax, which never holds the affinities: softmax forms, on CPU devices so far.
    case fused
    /// The concatenation form without its pairs, in O((N + M) log (N + M)): a and b sorted, then one walk along
    /// both; on CPU devices that compute in `double`.
    case sorted
}

/// The arithmetic of an accelerated run.
public enum Precision: String, Sendable, Hashable, CaseIterable {
    /// float32 operands and accumulation.
    case float32
}

/// What a device computes a workload with.
struct Method: Sendable, Hashable {
    /// Never ``Strategy/automatic``.
    let strategy: Strategy
    /// The tile of the panel kernels, or none where the plain ones serve.
    private(set) var tile: PanelTile?
    /// Whether blocks of keys may be left out.
    private(set) var skips = false

    /// The staged strategy on the plain kernels, which can do everything.
    static let plain = Method(strategy: .staged, tile: nil)

    /// The same, with blocks of keys left out.
    var skipping: Method {
        var method = self
        method.skips = true
        method.tile = tile?.ordered
        return method
    }

    /// The same, with every key computed.
    var complete: Method {
        var method = self
        method.skips = false
        return method
    }

    private init(strategy: Strategy, tile: PanelTile?) {
        self.strategy = strategy
        self.tile = tile
    }

    /// The methods that can compute a formulation by the strategy that is wanted, the fastest first; where
    /// the choice is free, the last one takes the least memory.
    ///
    /// - Parameter kernels: forces a class of kernels; the device's own without.
    /// - Throws: ``NonLocalError/Code/configuration`` if a strategy is wanted that can't compute this.
    static func candidates(
        _ wanted: Strategy, _ formulation: Formulation, scale: Double, ownWeight: OwnWeight, device: Device,
        kernels: KernelClass? = nil
    ) throws(NonLocalError) -> [Method] {
        let tile = (kernels ?? KernelClass(device)) == .panel ? PanelTile(device) : nil
        // A scale of zero has no difference between a score and none, which leaving out relies on.
        let isSoftmax =
            formulation == Pairwise.embeddedGaussian.formulation && (ownWeight == .include || scale != 0)
        let isRectifiedSum =
            formulation == Pairwise.concatenation.formulation && ownWeight == .include && scale == 1
        switch wanted {
        case .staged: return [.plain]
        case .automatic:
            guard let tile else { return [.plain] }
            let fast: Strategy? =
                isSoftmax ? .fused : isRectifiedSum && device.supportsDoubles ? .sorted : nil
            return (fast.map { [Method(strategy: $0, tile: tile)] } ?? [])
                + [Method(strategy: .staged, tile: tile), .plain]
        case .fused:
            guard isSoftmax, let tile else {
                throw NonLocalError(
                    .configuration,
                    isSoftmax
                        ? "there are no fused kernels yet for '\(device.name)', which is no CPU device"
                        : "the fused strategy computes a softmax of dot products only",
                    advice: "Use strategy automatic or staged.")
            }
            return [Method(strategy: .fused, tile: tile)]
        case .sorted:
            guard isRectifiedSum, device.supportsDoubles, let tile else {
                throw NonLocalError(
                    .configuration,
                    isRectifiedSum
                        ? "the sorted strategy needs a CPU device that computes in double, "
                            + "which '\(device.name)' is not"
                        : "the sorted strategy computes the concatenation form only",
                    advice: "Use strategy automatic or staged.")
            }
            return [Method(strategy: .sorted, tile: tile)]
        }
    }

    /// Elements from one position of g and y to the next where the channels of each lie side by side, as the
    /// sorted strategy reads and writes them; none where positions lie side by side.
    func positionStride(channels: Int) -> Int? {
        strategy == .sorted ? tile?.positionStride(channels: channels) : nil
    }
}
