import COpenCL

extension Event {
    /// When a command passed its stages, in nanoseconds of the device's clock.
    public struct Profile: Sendable, Hashable {
        /// When the host put the command into the queue.
        public let queued: UInt64
        /// When the queue handed it to the device.
        public let submitted: UInt64
        /// When it began on the device.
        public let started: UInt64
        /// When it ended on the device.
        public let ended: UInt64

        /// Seconds it ran on the device.
        public var duration: Double { ended > started ? Double(ended - started) * 1e-9 : 0 }
    }

    /// The times of a completed command.
    ///
    /// - Throws: ``OpenCLError`` with `CL_PROFILING_INFO_NOT_AVAILABLE` if the queue doesn't profile or the
    ///   command isn't complete.
    public var profile: Profile {
        get throws(OpenCLError) {
            let info = Info(
                "clGetEventProfilingInfo(\(command))", on: queue.context.device.name
            ) { [pointer = handle.pointer] in clGetEventProfilingInfo(pointer, $0, $1, $2, $3) }
            return Profile(
                queued: try info.value(CL_PROFILING_COMMAND_QUEUED),
                submitted: try info.value(CL_PROFILING_COMMAND_SUBMIT),
                started: try info.value(CL_PROFILING_COMMAND_START),
                ended: try info.value(CL_PROFILING_COMMAND_END))
        }
    }
}
