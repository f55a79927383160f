import SwiftOpenCL

/// Sizes and places of one operation's tensors on a device.
struct AttentionOperands: Sendable {
    /// θ `[groups][d][rows]`, or a of the outer sum.
    var theta: View
    /// φ `[groups][d][keys]`, or b of the outer sum.
    var phi: View
    /// g `[groups][d_v][keys]`
    var g: View
    /// y `[groups][d_v][rows]`
    var y: View
    /// d, or 1 for the outer sum.
    var width: Int
    var valueChannels: Int
    var groups: Int
    var rows: Int
    var keys: Int
    /// The key that each row is itself; without one i = j is a pair like any other.
    var own: Buffer<Int32>?
    /// Where in `own` the first row stands.
    var firstOwn = 0
    /// What is added to the scores of each key, `[groups][1][keys]`; of the panel kernels alone.
    var bias: View?
    /// What is added to y; of the panel kernels alone.
    var residual: View?
    /// Set where a score or y is not finite; of the panel kernels alone.
    var misfits: Buffer<Float>?
    /// What sums are to be taken with, and where they go.
    var sums: Sums?

    /// Sums beside y.
    struct Sums: Sendable {
        /// Σ_c v_c g_jc `[groups][1][keys]`
        var values: View
        /// ``AttentionSum``s `[groups][6][rows]`
        var rows: View
        /// As many as there are keys.
        var ones: Buffer<Float>

        /// What fused attention takes besides.
        var kernelArguments: [any KernelArgument] {
            [values.buffer, values.argument, rows.buffer, rows.argument]
        }
    }

    static let noSums = NonLocalError(
        .configuration, "there is no room for the sums that the kernels give out")
}

extension AttentionOperands {
    /// Operations of affinity and aggregation.
    var operations: Double {
        Cost.product(rows, width + valueChannels, keys, batch: groups).operations
    }
}
