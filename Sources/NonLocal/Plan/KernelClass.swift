public import SwiftOpenCL

/// The kind of kernels that suits a device.
public enum KernelClass: String, Sendable, Hashable, CaseIterable {
    /// One work-item a position: right on every device, tuned for none.
    case plain
    /// Register tiles with vector lanes along the positions, for CPU devices.
    case panel
    /// Tensor cores of NVIDIA devices; elsewhere, if forced, what checks these kernels: right and very slow.
    case warp

    /// The class that suits a device.
    public init(_ device: Device) { self = device.type == .cpu ? .panel : .plain }
}
