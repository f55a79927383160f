import COpenCL

/// A command in a queue: how far it is, whether it failed, how long it took.
public final class Event: Sendable {
    let handle: Handle

    /// The queue the command is in.
    public let queue: Queue

    /// The command, such as `clEnqueueNDRangeKernel(softmax)`.
    public let command: String

    /// How far a command is.
    public enum Status: Sendable, Hashable {
        /// In the queue, on the host's side.
        case queued
        /// Handed to the device.
        case submitted
        /// Under way.
        case running
        /// Done.
        case complete
        /// It ended abnormally with this OpenCL status code.
        case terminated(code: Int32)
    }

    init(_ handle: Handle, of command: String, in queue: Queue) {
        self.handle = handle
        self.command = command
        self.queue = queue
    }

    /// How far the command is. Without a flush, a queue may keep its commands in `queued` for ever.
    public var status: Status {
        get throws(OpenCLError) {
            var status: cl_int = CL_QUEUED
            let code = clGetEventInfo(
                handle.pointer, cl_event_info(CL_EVENT_COMMAND_EXECUTION_STATUS),
                MemoryLayout<cl_int>.size, &status, nil)
            try check(code, "clGetEventInfo(\(command))", on: queue.context.device.name)
            return switch status {
            case CL_COMPLETE: .complete
            case CL_RUNNING: .running
            case CL_SUBMITTED: .submitted
            case CL_QUEUED: .queued
            default: .terminated(code: status)
            }
        }
    }

    /// Blocks the calling thread until the command is complete, and flushes its queue first.
    ///
    /// - Throws: ``OpenCLError`` with the command's own status if it ended abnormally.
    public func wait() throws(OpenCLError) {
        var event: cl_event? = handle.pointer
        let status = clWaitForEvents(1, &event)
        try throwIfTerminated()
        try check(status, "clWaitForEvents(\(command))", on: queue.context.device.name)
    }

    /// Throws the status with which the command ended abnormally, if it did.
    func throwIfTerminated() throws(OpenCLError) {
        guard case .terminated(let code) = try status else { return }
        throw OpenCLError(
            code: code, call: command, device: queue.context.device.name,
            detail: "the command was accepted, but ended abnormally on the device")
    }
}
