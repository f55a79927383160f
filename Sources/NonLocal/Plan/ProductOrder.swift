/// An order in which the dot-product form's products are taken, never N × M. With K = (s/M) g φᵀ of each group:
///
///     y = K θ        z = W_z y + b_z + x
struct ProductOrder: Sendable, Hashable, CaseIterable {
    /// How K is made.
    enum Head: String, Sendable, CaseIterable {
        /// φ and g are projected, then multiplied.
        case projected
        /// K = [W_g b_g] G [W_φ b_φ]ᵀ (s/M), with the Gram matrix G of x above a row of ones.
        case gram
    }

    /// How K is applied.
    enum Tail: String, Sendable, CaseIterable {
        /// y = K θ, z = W_z y + b_z + x
        case aggregate
        /// z = (W_z K) θ + b_z + x
        case output
        /// z = (W_z K W_θ) x + (W_z K b_θ + b_z) + x
        case whole
    }

    let head: Head
    let tail: Tail

    static let allCases = Head.allCases.flatMap { head in
        Tail.allCases.map { ProductOrder(head: head, tail: $0) }
    }

    /// Whether θ itself is needed.
    var projectsQueries: Bool { tail != .whole }
    /// Whether φ and g themselves are needed.
    var projectsKeys: Bool { head == .projected }
}

/// How a problem's products may be re-associated.
struct Reassociation: Sendable, Hashable {
    /// The order to take.
    let order: ProductOrder
    /// Whether it takes fewer operations than the formulas.
    let pays: Bool
}

extension Formulation {
    /// Whether y_i is linear in θ_i, so that (θᵀ φ) gᵀ is θᵀ (φ gᵀ).
    func isLinear(_ ownWeight: OwnWeight) -> Bool {
        self == Pairwise.dotProduct.formulation && ownWeight == .include
    }
}
