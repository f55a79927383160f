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
        public var duration: Double { seconds(from: started, to: ended) }
    }

    /// The times of a completed command.
    ///
    /// - Throws: ``OpenCLError`` with `CL_PROFILING_INFO_NOT_AVAILABLE` if the queue doesn't profile or the
    ///   command isn't complete.
    public var profile: Profile {
        get throws(OpenCLError) {
            Profile(
                queued: try time(CL_PROFILING_COMMAND_QUEUED),
                submitted: try time(CL_PROFILING_COMMAND_SUBMIT),
                started: try time(CL_PROFILING_COMMAND_START),
                ended: try time(CL_PROFILING_COMMAND_END))
        }
    }

    /// Seconds a completed command ran on the device: ``Profile/duration`` alone, for half the calls.
    ///
    /// - Throws: as ``profile``.
    public var duration: Double {
        get throws(OpenCLError) {
            seconds(from: try time(CL_PROFILING_COMMAND_START), to: try time(CL_PROFILING_COMMAND_END))
        }
    }

    private func time(_ name: Int32) throws(OpenCLError) -> UInt64 {
        var time: cl_ulong = 0
        let status = clGetEventProfilingInfo(
            handle.pointer, cl_profiling_info(name), MemoryLayout<cl_ulong>.size, &time, nil)
        try check(
            status, "clGetEventProfilingInfo(\(command))(0x\(String(name, radix: 16, uppercase: true)))",
            on: queue.context.device.name)
        return time
    }
}

private func seconds(from start: UInt64, to end: UInt64) -> Double {
    end > start ? Double(end - start) * 1e-9 : 0
}
