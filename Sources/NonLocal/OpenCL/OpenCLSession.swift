import NonLocalKernels
import SwiftOpenCL

/// A device made ready: its context, a queue and the kernels built so far.
final class OpenCLSession: Sendable {
    let context: Context
    let queue: Queue
    let library: KernelLibrary

    var device: Device { context.device }

    /// - Parameter overriding: kernel sources in place of the library's own, for tests.
    init(_ device: Device, overriding: [KernelSource: String] = [:]) throws {
        context = try Context(device: device)
        queue = try Queue(context: context)
        library = KernelLibrary(context, overriding: overriding)
    }

    /// The memory that a plan may use unless told otherwise: a quarter of the device's, 1 GiB at most.
    static func defaultMemoryLimit(of device: Device) -> Int { min(device.globalMemory / 4, 1 << 30) }
}
