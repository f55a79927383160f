/// Whether sums over all rows of a run are compared with what linear algebra says they must be.
///
/// Of every position, by kernels of their own: Σ_c v_c θ_c, φ and g against (Wᵀv)ᵀ x; Σ_j s_ij against θ_iᵀ Σ_j φ_j; the
/// weights' sum against what y is divided by; Σ_c v_c y_c against Σ_j p_ij Σ_c v_c g_jc; Σ_c v_c z_c against those of y
/// and x; v_c = ±1. Where maps of the queries are applied to the keys (``Absorption``), W_θᵀ φ and W_z g in the place of φ
/// and g, and these against what φ and g give. RELIABILITY.md says what that finds, what it does not cover and what it costs.
public enum Checksums: String, Sendable, Hashable, CaseIterable {
    /// Of what can be summed.
    case on
    /// None: they were measured to take more than 2 % so far.
    case off
}

extension BlockProblem {
    /// A method with sums taken, where that is wanted: of float32 operands at all positions.
    func summed(_ method: Method, _ checksums: Checksums) -> Method {
        checksums == .on && method.precision == .float32 && !isSubset ? method.summing : method
    }
}
