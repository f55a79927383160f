import COpenCL

/// An in-order queue of commands for a context's device.
///
/// Commands run one after another in the order they were enqueued, so `after` is needed only for events of
/// other queues of the same context. Calls are safe from any thread.
public final class Queue: Sendable {
    let handle: Handle

    /// The context the queue belongs to.
    public let context: Context

    /// Makes a queue.
    ///
    /// - Parameters:
    ///   - context: whose device runs the commands.
    ///   - profiling: whether events keep the times of their commands, see ``Event/profile``.
    public init(context: Context, profiling: Bool = true) throws(OpenCLError) {
        let properties = profiling ? cl_command_queue_properties(CL_QUEUE_PROFILING_ENABLE) : 0
        handle = try Handle(
            "clCreateCommandQueue", on: context.device.name, release: clReleaseCommandQueue
        ) { clCreateCommandQueue(context.handle.pointer, context.device.id.pointer, properties, $0) }
        self.context = context
    }

    /// Hands all commands enqueued so far to the device, without waiting for them.
    public func flush() throws(OpenCLError) {
        try check(clFlush(handle.pointer), "clFlush", on: context.device.name)
    }

    /// Blocks the calling thread until all commands enqueued so far are done.
    ///
    /// A command that ended abnormally is reported by its event, not by this call.
    public func finish() throws(OpenCLError) {
        try check(clFinish(handle.pointer), "clFinish", on: context.device.name)
    }
}

extension Queue {
    /// Calls one of OpenCL's enqueue functions with a wait list and a place for the event.
    func submit(
        _ call: String, after events: [Event], detail: @autoclosure () -> String? = nil,
        _ enqueue: (cl_uint, UnsafePointer<cl_event?>?, UnsafeMutablePointer<cl_event?>) -> Int32
    ) throws(OpenCLError) -> Event {
        for event in events where event.queue !== self {
            try requireOwnContext(event.queue.context, of: "an event waited for", in: call)
            // Else the other queue may keep the command to itself, and this one would wait for ever.
            try event.queue.flush()
        }
        let list: [cl_event?] = events.map(\.handle.pointer)
        let handle = try Handle(call, on: context.device.name, detail: detail(), release: clReleaseEvent) {
            var event: cl_event?
            $0.pointee = withExtendedLifetime(events) {
                list.isEmpty ? enqueue(0, nil, &event) : enqueue(cl_uint(list.count), list, &event)
            }
            return event
        }
        return Event(handle, of: call, in: self)
    }

    /// Refuses objects of other contexts: drivers may crash on them.
    func requireOwnContext(
        _ other: Context, of object: @autoclosure () -> String, in call: String
    ) throws(OpenCLError) {
        guard other !== context else { return }
        throw OpenCLError(
            .argument, code: CL_INVALID_CONTEXT, call: call, device: context.device.name,
            detail: "\(object()) belongs to another context than the queue")
    }
}
