/// The way a plan computes the operation.
public enum Strategy: String, Sendable, Hashable, CaseIterable {
    /// The plan's choice.
    case automatic
    /// Affinity, normalisation and aggregation one after the other, in row blocks: bounded memory, plain
    /// kernels, attention maps.
    case staged
}

/// The arithmetic of an accelerated run.
public enum Precision: String, Sendable, Hashable, CaseIterable {
    /// float32 operands and accumulation.
    case float32
}
