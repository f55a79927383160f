/// Whether blocks of keys whose weights can't matter are left out of a softmax.
///
/// Keys and queries are ordered in space, so that a bound on a whole block's scores can be told from the box that
/// its keys lie in. All that is left out for a query stays, by that bound, below 2⁻²⁴ of its weights: results
/// differ by rounding alone. It is worth most with few channels and with positions in clusters.
public enum Skipping: String, Sendable, Hashable, CaseIterable {
    /// Where the plan expects it to pay and there is memory for it.
    case automatic = "auto"
    /// Always, whether it pays or not.
    case on
    /// Never: every key is computed.
    case off

    /// With more channels than these, boxes are too wide to tell blocks apart.
    private static let mostChannels = 16
    /// With fewer keys than these there is little to leave out.
    private static let fewestKeys = 4096

    /// What methods become under this choice, the fastest first.
    ///
    /// - Parameters:
    ///   - width: d.
    ///   - rows: N of a group.
    ///   - keys: M of a group.
    /// - Throws: ``NonLocalError/Code/configuration`` if skipping is wanted and none of the methods can do it.
    func applied(
        to methods: [Method], width: Int, rows: Int, keys: Int
    ) throws(NonLocalError) -> [Method] {
        let skipping = methods.filter { $0.strategy == .fused && $0.tile != nil }.map(\.skipping)
        switch self {
        case .off: return methods
        case .on:
            guard !skipping.isEmpty else { throw Self.unavailable }
            return skipping
        case .automatic:
            let pays =
                width <= Self.mostChannels && keys >= Self.fewestKeys && rows >= Self.fewestKeys / 4
            return (pays ? skipping : []) + methods
        }
    }

    /// - Throws: ``NonLocalError/Code/configuration`` if skipping is wanted of the CPU reference.
    func requireReference() throws(NonLocalError) {
        guard self != .on else { throw Self.unavailable }
    }

    private static let unavailable = NonLocalError(
        .configuration,
        "only the fused strategy for CPU devices, which computes softmax forms, can skip blocks of keys",
        advice: "Leave skip at auto, or choose another strategy or device.")
}
