import COpenCL

extension Queue {
    /// The contents of `range`, by default of the whole buffer, once all earlier commands are done.
    public func read<Element>(
        _ buffer: Buffer<Element>, range: Range<Int>? = nil, after events: [Event] = []
    ) throws(OpenCLError) -> [Element] {
        let range = range ?? 0..<buffer.count
        _ = try buffer.bytes(range, for: "clEnqueueReadBuffer")
        return try [Element](unsafeUninitializedCapacity: range.count) { (host, count) throws(OpenCLError) in
            let whole = UnsafeMutableBufferPointer(rebasing: host[..<range.count])
            try read(buffer, range: range, into: whole, after: events)
            count = range.count
        }
    }

    /// Copies `range`, by default the whole buffer, to host memory of the same count, and waits for it.
    @discardableResult
    public func read<Element>(
        _ buffer: Buffer<Element>, range: Range<Int>? = nil,
        into host: UnsafeMutableBufferPointer<Element>, after events: [Event] = []
    ) throws(OpenCLError) -> Event {
        let event = try enqueueRead(buffer, range, host, blocking: true, events)
        try event.throwIfTerminated()
        return event
    }

    /// Enqueues a copy of `range`, by default of the whole buffer, to host memory, and returns at once.
    ///
    /// The memory must not be touched until the event is complete; `owner`, which keeps it allocated, is
    /// retained until then and may be released on one of the driver's threads.
    public func read<Element>(
        _ buffer: Buffer<Element>, range: Range<Int>? = nil,
        into host: UnsafeMutableBufferPointer<Element>, keeping owner: any AnyObject & Sendable,
        after events: [Event] = []
    ) throws(OpenCLError) -> Event {
        let event = try enqueueRead(buffer, range, host, blocking: false, events)
        try event.retainUntilComplete(owner)
        return event
    }

    private func enqueueRead<Element>(
        _ buffer: Buffer<Element>, _ range: Range<Int>?, _ host: UnsafeMutableBufferPointer<Element>,
        blocking: Bool, _ events: [Event]
    ) throws(OpenCLError) -> Event {
        let call = "clEnqueueReadBuffer"
        try requireOwnContext(buffer.context, of: "the buffer", in: call)
        let (offset, size) = try buffer.bytes(range, for: call)
        guard host.count == (range?.count ?? buffer.count), let base = host.baseAddress else {
            throw OpenCLError(
                .range, code: CL_INVALID_VALUE, call: call, device: context.device.name,
                detail: "\(range?.count ?? buffer.count) elements into host memory for \(host.count)")
        }
        return try submit(call, after: events) {
            clEnqueueReadBuffer(
                handle.pointer, buffer.handle.pointer, blocking ? yes : no, offset, size, base, $0, $1, $2)
        }
    }
}

// The macros have no type of their own; OpenCL's functions take cl_bool.
let yes = cl_bool(CL_TRUE)
let no = cl_bool(CL_FALSE)
