import COpenCL

extension Queue {
    /// Copies `elements` into the buffer from its element `start` on, and waits for it.
    @discardableResult
    public func write<Element>(
        _ elements: [Element], to buffer: Buffer<Element>, at start: Int = 0, after events: [Event] = []
    ) throws(OpenCLError) -> Event {
        try elements.withUnsafeBufferPointer { (host) throws(OpenCLError) in
            try write(host, to: buffer, at: start, after: events)
        }
    }

    /// Copies host memory into the buffer from its element `start` on, and waits for it.
    @discardableResult
    public func write<Element>(
        _ host: UnsafeBufferPointer<Element>, to buffer: Buffer<Element>, at start: Int = 0,
        after events: [Event] = []
    ) throws(OpenCLError) -> Event {
        let event = try enqueueWrite(host, buffer, start, blocking: true, events)
        try event.throwIfTerminated()
        return event
    }

    /// Enqueues a copy of host memory into the buffer from its element `start` on, and returns at once.
    ///
    /// The memory must not change until the event is complete; `owner`, which keeps it allocated, is
    /// retained until then and may be released on one of the driver's threads.
    @discardableResult
    public func write<Element>(
        _ host: UnsafeBufferPointer<Element>, keeping owner: any AnyObject & Sendable,
        to buffer: Buffer<Element>, at start: Int = 0, after events: [Event] = []
    ) throws(OpenCLError) -> Event {
        let event = try enqueueWrite(host, buffer, start, blocking: false, events)
        try event.retainUntilComplete(owner)
        return event
    }

    private func enqueueWrite<Element>(
        _ host: UnsafeBufferPointer<Element>, _ buffer: Buffer<Element>, _ start: Int, blocking: Bool,
        _ events: [Event]
    ) throws(OpenCLError) -> Event {
        let call = "clEnqueueWriteBuffer"
        try requireOwnContext(buffer.context, of: "the buffer", in: call)
        let range = try buffer.range(from: start, length: host.count, for: call)
        let (offset, size) = try buffer.bytes(range, for: call)
        return try submit(call, after: events) {
            clEnqueueWriteBuffer(
                handle.pointer, buffer.handle.pointer, blocking ? yes : no, offset, size, host.baseAddress,
                $0, $1, $2)
        }
    }
}

extension Event {
    /// Retains `owner` until the command is complete or has ended abnormally.
    func retainUntilComplete(_ owner: any AnyObject & Sendable) throws(OpenCLError) {
        let retained = Unmanaged<AnyObject>.passRetained(owner)
        let status = clSetEventCallback(
            handle.pointer, CL_COMPLETE, { releaseOwner($2) }, retained.toOpaque())
        guard status != CL_SUCCESS else { return }
        // The command is under way and uses the owner's memory: end it before letting go.
        let ended = Result { () throws(OpenCLError) in try wait() }
        retained.release()
        try ended.get()
        try check(status, "clSetEventCallback(\(command))", on: queue.context.device.name)
    }
}
