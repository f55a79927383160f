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

    /// Memory for kernels to work in, not initialised.
    ///
    /// A CPU device gets large pieces from the host, in large pages: drivers ask for none, and with small ones
    /// tensors of some megabytes are more pages than a processor keeps track of.
    ///
    /// - Throws: `OpenCLError` if the device can't allocate as much.
    func allocate(_ count: Int) throws -> Buffer<Float> {
        guard device.type == .cpu, count >= HostMemory.leastLarge / MemoryLayout<Float>.stride,
            let memory = HostMemory(bytes: count * MemoryLayout<Float>.stride)
        else { return try Buffer(context, count: count) }
        let elements = UnsafeMutableBufferPointer(
            start: memory.address.bindMemory(to: Float.self, capacity: count), count: count)
        return try Buffer(context, sharing: elements, keeping: memory)
    }

    /// The memory that a plan may use unless told otherwise: a quarter of the device's, 1 GiB at most.
    static func defaultMemoryLimit(of device: Device) -> Int { min(device.globalMemory / 4, 1 << 30) }
}
