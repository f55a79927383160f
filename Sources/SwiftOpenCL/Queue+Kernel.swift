import COpenCL
import Foundation

extension Queue {
    /// Enqueues a kernel over a range of work-items, and returns at once.
    ///
    /// Safe from several threads with the same kernel: each launch runs with its own arguments.
    ///
    /// - Parameters:
    ///   - kernel: of a program in this queue's context.
    ///   - arguments: one for each of the kernel's parameters, in order.
    ///   - global: work-items in each of one to three dimensions.
    ///   - local: work-items of a work-group in each dimension, which divide `global`; nil leaves the choice
    ///     to the driver.
    ///   - offset: the first global id in each dimension; nil means 0.
    ///   - events: commands of other queues to wait for.
    /// - Throws: ``OpenCLError`` with reason `.argument` if arguments or sizes don't fit, else the driver's
    ///   status. What goes wrong later, on the device, is thrown by ``Event/wait()``.
    @discardableResult
    public func enqueue(
        _ kernel: Kernel, arguments: [any KernelArgument], global: [Int], local: [Int]? = nil,
        offset: [Int]? = nil, after events: [Event] = []
    ) throws(OpenCLError) -> Event {
        let call = kernel.launchCall
        try requireOwnContext(kernel.program.context, of: "the kernel", in: call)
        try requireSizes(global, local, offset, in: call)
        kernel.lock.lock()
        defer { kernel.lock.unlock() }
        try kernel.set(arguments)
        return try submit(
            call, after: events,
            detail: "global \(global), local \(local?.description ?? "left to the driver")"
        ) { (count, list, event) in
            withExtendedLifetime(arguments) {
                clEnqueueNDRangeKernel(
                    handle.pointer, kernel.handle.pointer, cl_uint(global.count), offset, global, local,
                    count, list, event)
            }
        }
    }

    private func requireSizes(
        _ global: [Int], _ local: [Int]?, _ offset: [Int]?, in call: String
    ) throws(OpenCLError) {
        let problem: (code: Int32, detail: String)? =
            if !(1...3).contains(global.count) {
                (CL_INVALID_WORK_DIMENSION, "global sizes \(global)")
            } else if global.contains(where: { $0 < 1 }) {
                (CL_INVALID_GLOBAL_WORK_SIZE, "global sizes \(global)")
            } else if let local, local.count != global.count || local.contains(where: { $0 < 1 }) {
                (CL_INVALID_WORK_GROUP_SIZE, "local sizes \(local) for global sizes \(global)")
            } else if let offset, offset.count != global.count || offset.contains(where: { $0 < 0 }) {
                (CL_INVALID_GLOBAL_OFFSET, "offsets \(offset) for global sizes \(global)")
            } else {
                nil
            }
        guard let problem else { return }
        throw OpenCLError(
            .argument, code: problem.code, call: call, device: context.device.name, detail: problem.detail)
    }
}
