/// The OpenCL C sources of the kernels, carried inside the binary: one file a stage, named alike here, in
/// its launch, its test and its benchmark.
public enum KernelSource: String, Sendable, Hashable, CaseIterable {
    /// What all the others begin with.
    case view
    case groupNorm = "group_norm"
    case gather
    case maxPool = "max_pool"
    case projection
    case affinity
    case pairwiseWeight = "pairwise_weight"
    case ownWeight = "own_weight"
    case softmax
    case normalize
    case aggregate
    /// No stage: what the device could do at most.
    case roof

    /// The sources of the staged strategy that need no macros, in an order in which they compile as one program.
    public static let staged: [KernelSource] = [
        .view, .groupNorm, .gather, .maxPool, .projection, .affinity, .ownWeight, .softmax, .normalize,
        .aggregate,
    ]

    /// The name of the file, as build logs have it.
    public var fileName: String { "\(rawValue).cl" }

    /// The file's contents.
    public var text: String {
        let bytes =
            switch self {
            case .view: PackageResources.view_cl
            case .groupNorm: PackageResources.group_norm_cl
            case .gather: PackageResources.gather_cl
            case .maxPool: PackageResources.max_pool_cl
            case .projection: PackageResources.projection_cl
            case .affinity: PackageResources.affinity_cl
            case .pairwiseWeight: PackageResources.pairwise_weight_cl
            case .ownWeight: PackageResources.own_weight_cl
            case .softmax: PackageResources.softmax_cl
            case .normalize: PackageResources.normalize_cl
            case .aggregate: PackageResources.aggregate_cl
            case .roof: PackageResources.roof_cl
            }
        return String(decoding: bytes, as: UTF8.self)
    }
}
