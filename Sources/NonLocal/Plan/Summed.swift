/// What sums are taken of.
enum Summed: Sendable, Hashable {
    case theta, phi, g
    /// W_θᵀ φ and b_θᵀ φ, where W_θ is applied to the keys.
    case absorbedPhi, scoreBias
    /// W_z g + b_z, where W_z is applied to the keys.
    case absorbedG
    /// x, as it is added to z.
    case residual

    /// What of a projection is summed.
    init?(_ role: BufferRole) {
        switch role {
        case .theta: self = .theta
        case .phi: self = .phi
        case .g: self = .g
        default: return nil
        }
    }
}

extension Method {
    /// What attention compares with the queries.
    var compared: Summed { absorbed.contains(.theta) ? .absorbedPhi : .phi }
    /// What attention aggregates.
    var aggregated: Summed { absorbed.contains(.output) ? .absorbedG : .g }
}
