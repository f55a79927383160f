/// Choices of a run that don't change what is computed.
struct RunOptions: Sendable, Hashable {
    var strategy: Strategy = .automatic
    /// Forces a class of kernels; the device's own without.
    var kernels: KernelClass?
    /// Forces a tile upon the tile kernels; the device's own without.
    var groupTile: GroupTile?
    /// Forces tiles upon the warp kernels' fused attention, for the widths that they are meant for.
    var warpTiles: [WarpTile] = []
    /// Whether kernels have to pass a test on the device before they are used.
    var testsKernels = true
    var skip: Skipping = .automatic
    var absorb: Absorption = .automatic
    /// Forces an order of products upon the re-associated strategy; the cheapest without.
    var order: ProductOrder?
    /// Forces a form upon the fused strategy where it can be had; the one that suits without.
    var form: FusedForm?
    var precision: Precision = .float32
    var validation: Validation = .sampled(rows: 8)
    var checksums = Checksums.off
    var onMismatch: MismatchPolicy = .fail
    /// Bytes of device memory; the default of the device without.
    var memoryLimit: Int?
    /// Seconds that one launch may take; a fifth without, on CPU devices only while a run is followed.
    var launchSeconds: Double?
    var allowsNonFinite = false
}
