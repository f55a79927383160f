/// Whether sums over all rows of a run are compared with what linear algebra says they must be.
///
/// Of every position, by kernels of their own: Σ_c v_c θ_c, φ and g against (Wᵀv)ᵀ x; Σ_j s_ij against θ_iᵀ Σ_j φ_j; the
/// weights' sum against what y is divided by; Σ_c v_c y_c against Σ_j p_ij Σ_c v_c g_jc; Σ_c v_c z_c against those of y
/// and x; v_c = ±1. RELIABILITY.md says what that finds, what it does not cover and what it costs.
public enum Checksums: String, Sendable, Hashable, CaseIterable {
    /// Where they were measured to take less than 2 %, and validation is not off.
    case automatic = "auto"
    /// Always; of what can be summed.
    case on
    /// Never.
    case off
}

extension BlockProblem {
    /// Work that sums are small beside, in operations: in all, and for each number of x, θ, φ, g, y and z, which they
    /// read once.
    private static let operationsBesideSums = 4e9, operationsOfNumber = 500.0

    /// A method with sums taken, where that is wanted.
    func summed(_ method: Method, _ options: RunOptions) -> Method {
        guard method.precision == .float32, !isSubset else { return method }
        switch options.checksums {
        case .off: return method
        case .on: return method.summing
        case .automatic:
            let summing = method.summing
            guard options.validation != .off, method.tile != nil, method.form == .panels,
                summing.tile?.sums == true
            else { return method }
            return isSumSmall ? summing : method
        }
    }

    private var isSumSmall: Bool {
        let positions = geometry.batch * (rows + projectedPositions)
        let numbers = Double(positions) * Double(geometry.channels + width + configuration.valueChannels)
        let operations = steps.operations
        return operations >= Self.operationsBesideSums && operations >= Self.operationsOfNumber * numbers
    }
}
