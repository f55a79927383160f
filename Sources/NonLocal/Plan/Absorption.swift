/// Whether maps of the queries are applied to the keys instead, where keys are fewer:
///
///     θ_iᵀ φ_j = x_iᵀ (W_θᵀ φ_j) + b_θᵀ φ_j
///     W_z Σ_j p_ij g_j + b_z = Σ_j p_ij (W_z g_j + b_z)      for weights whose sum is one
///
/// θ and y are then never computed. Each pair of positions takes C multiply-adds in the place of d and of d_v, which
/// is less in all as long as M is below NC / (N + C), if all positions are compared: with max pooling to a quarter as
/// long as N is below 3C, as at the paper's res4 and res5. Results differ by rounding alone: the bounds of their errors
/// are the same. Should W_θᵀ φ_j or W_z g_j be beyond float32 where θ and y are not, the call is done again without;
/// see ``RunReport/absorbed``.
public enum Absorption: String, Sendable, Hashable, CaseIterable {
    /// Each map where that takes clearly fewer operations.
    case automatic = "auto"
    /// Every map that can be absorbed, whether it pays or not.
    case on
    /// Never: every map is applied where the formulas have it.
    case off

    /// What methods become under this choice, the fastest first.
    ///
    /// - Throws: ``NonLocalError/Code/configuration`` if absorption is wanted and none of the methods can do it.
    func applied(to methods: [Method], of problem: BlockProblem) throws(NonLocalError) -> [Method] {
        switch self {
        case .off: return methods
        case .on:
            let absorbing = methods.compactMap { $0.absorbing(problem.absorbableMaps($0)) }
            guard !absorbing.isEmpty else { throw Self.unavailable }
            return absorbing
        case .automatic:
            return methods.flatMap { method in
                [method.absorbing(problem.mapsWorthAbsorbing(method)), method].compactMap(\.self)
            }
        }
    }

    /// - Throws: ``NonLocalError/Code/configuration`` if absorption is wanted of the CPU reference.
    func requireReference() throws(NonLocalError) {
        guard self != .on else { throw Self.unavailable }
    }

    private static let unavailable = NonLocalError(
        .configuration,
        "only the fused strategy for CPU devices can absorb maps of the queries into the keys, "
            + "in space or spacetime and without leaving out keys",
        advice: "Leave absorb at auto, or choose another strategy, scope or device.")
}

/// The maps of the queries that a method applies to the keys.
struct AbsorbedMaps: OptionSet, Sendable, Hashable {
    let rawValue: Int

    /// W_θ, so that φ becomes W_θᵀ φ, with the bias b_θᵀ φ of each key's scores.
    static let theta = AbsorbedMaps(rawValue: 1)
    /// W_z with its norm and bias, so that g becomes W_z g + b_z.
    static let output = AbsorbedMaps(rawValue: 2)
    static let all: AbsorbedMaps = [.theta, .output]
}

extension AbsorbedMaps {
    /// Their names; none where there are no maps.
    var names: String? {
        isEmpty
            ? nil
            : [contains(.theta) ? "θ" : nil, contains(.output) ? "W_z" : nil].compactMap(\.self)
                .joined(separator: ", ")
    }
}
