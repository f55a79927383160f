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
    /// θᵀ (φ gᵀ) instead of (θᵀ φ) gᵀ, with the maps around it in whichever order takes the fewest operations:
    /// the dot-product form, on CPU devices so far.
    case reassociated
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
    let tile: PanelTile?
    /// The order of the products, of the re-associated strategy alone.
    var order: ProductOrder?

    /// The staged strategy on the plain kernels, which can do everything.
    static let plain = Method(strategy: .staged, tile: nil)

    private init(strategy: Strategy, tile: PanelTile?, order: ProductOrder? = nil) {
        self.strategy = strategy
        self.tile = tile
        self.order = order
    }

    /// The methods that can compute a formulation by the strategy that is wanted, the fastest first; where
    /// the choice is free, the last one takes the least memory.
    ///
    /// - Parameters:
    ///   - kernels: forces a class of kernels; the device's own without.
    ///   - reassociation: how the products may be re-associated, if they may.
    /// - Throws: ``NonLocalError/Code/configuration`` if a strategy is wanted that can't compute this.
    static func candidates(
        _ wanted: Strategy, _ formulation: Formulation, scale: Double, ownWeight: OwnWeight, device: Device,
        kernels: KernelClass? = nil, reassociation: Reassociation? = nil
    ) throws(NonLocalError) -> [Method] {
        let tile = (kernels ?? KernelClass(device)) == .panel ? PanelTile(device) : nil
        // A scale of zero has no difference between a score and none, which leaving out relies on.
        let isSoftmax =
            formulation == Pairwise.embeddedGaussian.formulation && (ownWeight == .include || scale != 0)
        switch wanted {
        case .staged: return [.plain]
        case .automatic:
            guard let tile else { return [.plain] }
            var methods: [Method] = []
            if isSoftmax { methods.append(Method(strategy: .fused, tile: tile)) }
            if let reassociation, reassociation.pays {
                methods.append(Method(strategy: .reassociated, tile: tile, order: reassociation.order))
            }
            return methods + [Method(strategy: .staged, tile: tile), .plain]
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
        case .reassociated:
            guard let reassociation, let tile else {
                throw NonLocalError(
                    .configuration,
                    reassociation != nil
                        ? "there are no re-associated kernels yet for '\(device.name)', which is no CPU device"
                        : "only the dot-product form with its own weight included can be re-associated",
                    advice: "Use strategy automatic or staged.")
            }
            return [Method(strategy: .reassociated, tile: tile, order: reassociation.order)]
        }
    }
}
