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
    /// Sums that have to agree.
    case checksum
    case panelChecksum = "panel_checksum"
    /// Sums that fused attention gives out.
    case panelSums = "panel_sums"
    case tileSums = "tile_sums"
    /// No stage: what the device could do at most.
    case roof
    /// What the panel kernels, those for CPU devices, share.
    case panelTile = "panel_tile"
    case panelPack = "panel_pack"
    case panelPool = "panel_pool"
    case panelProjection = "panel_projection"
    case panelAttention = "panel_attention"
    case panelTime = "panel_time"
    case panelBlock = "panel_block"
    case panelOrder = "panel_order"
    case panelSkip = "panel_skip"
    case panelMerge = "panel_merge"
    case panelTranspose = "panel_transpose"
    case panelGram = "panel_gram"
    case panelGramMerge = "panel_gram_merge"
    /// What a warp of an NVIDIA device can do, as inline PTX, and the same for any device.
    case warpPTX = "warp_ptx"
    case warpTwin = "warp_twin"
    /// The warp kernels, those for tensor cores.
    case warpTile = "warp_tile"
    case warpPack = "warp_pack"
    case warpTiling = "warp_tiling"
    case warpSteps = "warp_steps"
    case warpAttention = "warp_attention"
    case warpMerge = "warp_merge"
    case warpProduct = "warp_product"
    /// The sorted strategy.
    case sortKey = "sort_key"
    case sort
    case sortedAggregate = "sorted_aggregate"
    /// What the tile kernels, those for work-groups with local memory, keep operands in.
    case tileStorage = "tile_storage"
    /// Their products.
    case tile
    case tileProduct = "tile_product"
    case tileCentre = "tile_centre"
    case tileSoftmax = "tile_softmax"
    case tilePack = "tile_pack"
    case tileAttention = "tile_attention"
    case tileMerge = "tile_merge"
    case tileSort = "tile_sort"
    case tilePrefix = "tile_prefix"
    case tileSortedAggregate = "tile_sorted_aggregate"

    /// The sources of the staged strategy that need no macros, in an order in which they compile as one program.
    public static let staged: [KernelSource] = [
        .view, .groupNorm, .gather, .maxPool, .projection, .affinity, .ownWeight, .softmax, .normalize,
        .aggregate,
    ]

    /// The sources of the panel kernels, in an order in which they compile as one program.
    public static let panel: [KernelSource] = [
        .view, .panelTile, .panelPack, .panelPool, .panelProjection, .panelAttention, .panelTime, .panelBlock,
        .panelOrder,
        .panelSkip, .panelMerge, .panelGram, .panelGramMerge,
    ]

    /// The sources of fused attention that gives out sums, in an order in which they compile as one program.
    public static let panelSummed: [KernelSource] = [
        .view, .panelTile, .panelPack, .panelSums, .panelAttention, .panelMerge,
    ]

    /// The sources of the sums over all rows, for any device and for CPU devices, likewise.
    public static let checksums: [KernelSource] = [.view, .checksum]
    /// Those of the panel kernels' tensors too.
    public static let panelChecksums: [KernelSource] = [
        .view, .panelTile, .panelPack, .checksum, .panelChecksum,
    ]

    /// The sources of the sorted strategy, in an order in which they compile as one program.
    public static let sorted: [KernelSource] = [
        .view, .panelTile, .panelTranspose, .sortKey, .sort, .sortedAggregate,
    ]

    /// What all warp kernels begin with.
    private static let warp: [KernelSource] = [.view, .warpPTX, .warpTwin, .warpTile, .warpPack]

    /// The sources of fused attention on tensor cores, in an order in which they compile as one program.
    public static let warpAttentions: [KernelSource] =
        warp + [.warpTiling, .warpSteps, .warpAttention, .warpMerge]

    /// The sources of products on tensor cores, in an order in which they compile as one program.
    public static let warpProducts: [KernelSource] = warp + [.warpProduct]

    /// The sources of the tile kernels' products, in an order in which they compile as one program.
    public static let tiledProduct: [KernelSource] = [.view, .tileStorage, .tile, .tileProduct]
    /// The sources of the tile kernels' centring, likewise.
    public static let tiledCentre: [KernelSource] = [.view, .tileCentre]
    /// The sources of the tile kernels' normalisers, likewise.
    public static let tiledSoftmax: [KernelSource] = [.view, .tileStorage, .tileSoftmax]
    /// The sources of what brings the tile kernels' operands into 16 bits, likewise.
    public static let tiledPack: [KernelSource] = [.view, .tileStorage, .tilePack]
    /// The sources of the tile kernels' fused attention, likewise.
    public static let tiledAttention: [KernelSource] = [
        .view, .tileStorage, .tile, .tileAttention, .tileMerge,
    ]
    /// Those of fused attention that gives out sums.
    public static let tiledSummed: [KernelSource] = [
        .view, .tileStorage, .tile, .tileSums, .tileAttention, .tileMerge,
    ]

    /// The sources of the tile kernels' sorted strategy, likewise.
    public static let tiledSorted: [KernelSource] = [
        .view, .sortKey, .tileSort, .tilePrefix, .tileSortedAggregate,
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
            case .checksum: PackageResources.checksum_cl
            case .panelChecksum: PackageResources.panel_checksum_cl
            case .panelSums: PackageResources.panel_sums_cl
            case .tileSums: PackageResources.tile_sums_cl
            case .roof: PackageResources.roof_cl
            case .panelTile: PackageResources.panel_tile_cl
            case .panelPack: PackageResources.panel_pack_cl
            case .panelPool: PackageResources.panel_pool_cl
            case .panelProjection: PackageResources.panel_projection_cl
            case .panelAttention: PackageResources.panel_attention_cl
            case .panelTime: PackageResources.panel_time_cl
            case .panelBlock: PackageResources.panel_block_cl
            case .panelOrder: PackageResources.panel_order_cl
            case .panelSkip: PackageResources.panel_skip_cl
            case .panelMerge: PackageResources.panel_merge_cl
            case .panelTranspose: PackageResources.panel_transpose_cl
            case .sortKey: PackageResources.sort_key_cl
            case .sort: PackageResources.sort_cl
            case .sortedAggregate: PackageResources.sorted_aggregate_cl
            case .warpPTX: PackageResources.warp_ptx_cl
            case .warpTwin: PackageResources.warp_twin_cl
            case .warpTile: PackageResources.warp_tile_cl
            case .warpPack: PackageResources.warp_pack_cl
            case .warpTiling: PackageResources.warp_tiling_cl
            case .warpSteps: PackageResources.warp_steps_cl
            case .warpAttention: PackageResources.warp_attention_cl
            case .warpMerge: PackageResources.warp_merge_cl
            case .warpProduct: PackageResources.warp_product_cl
            case .panelGram: PackageResources.panel_gram_cl
            case .panelGramMerge: PackageResources.panel_gram_merge_cl
            case .tileStorage: PackageResources.tile_storage_cl
            case .tile: PackageResources.tile_cl
            case .tileProduct: PackageResources.tile_product_cl
            case .tileCentre: PackageResources.tile_centre_cl
            case .tileSoftmax: PackageResources.tile_softmax_cl
            case .tilePack: PackageResources.tile_pack_cl
            case .tileAttention: PackageResources.tile_attention_cl
            case .tileMerge: PackageResources.tile_merge_cl
            case .tileSort: PackageResources.tile_sort_cl
            case .tilePrefix: PackageResources.tile_prefix_cl
            case .tileSortedAggregate: PackageResources.tile_sorted_aggregate_cl
            }
        return String(decoding: bytes, as: UTF8.self)
    }
}
