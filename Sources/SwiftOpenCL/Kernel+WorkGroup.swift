import COpenCL
import Foundation

extension Kernel {
    /// What a kernel needs and allows on its device.
    public struct WorkGroupInfo: Sendable, Hashable {
        /// Work-items in the largest work-group it can run in.
        public let workGroupSize: Int
        /// A good work-group size is a multiple of this.
        public let preferredMultiple: Int
        /// Bytes of local memory a work-group uses, those of arguments set so far included.
        public let localMemoryUsed: Int
        /// Bytes of private memory a work-item uses, where the driver tells; registers don't count.
        public let privateMemoryUsed: Int
    }

    /// Asks the driver what the kernel needs and allows.
    public var workGroupInfo: WorkGroupInfo {
        get throws(OpenCLError) {
            let device = program.context.device
            let info = Info(
                "clGetKernelWorkGroupInfo(\(name))", on: device.name
            ) { [pointer = handle.pointer] in
                clGetKernelWorkGroupInfo(pointer, device.id.pointer, $0, $1, $2, $3)
            }
            lock.lock()
            defer { lock.unlock() }
            return WorkGroupInfo(
                workGroupSize: try info.size(CL_KERNEL_WORK_GROUP_SIZE),
                preferredMultiple: try info.size(CL_KERNEL_PREFERRED_WORK_GROUP_SIZE_MULTIPLE),
                localMemoryUsed: try info.ulong(CL_KERNEL_LOCAL_MEM_SIZE),
                privateMemoryUsed: try info.ulong(CL_KERNEL_PRIVATE_MEM_SIZE))
        }
    }
}
