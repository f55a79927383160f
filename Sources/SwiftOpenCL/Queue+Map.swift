import COpenCL

/// What the host wants to do with mapped memory.
public enum MapAccess: Sendable, Hashable {
    /// Look at the contents.
    case read
    /// Change some of the contents, and keep the rest.
    case write
    /// Look and change.
    case readWrite
    /// Write all of it: what was there before is undefined.
    case writeInvalidate

    fileprivate var flags: cl_map_flags {
        switch self {
        case .read: cl_map_flags(CL_MAP_READ)
        case .write: cl_map_flags(CL_MAP_WRITE)
        case .readWrite: cl_map_flags(CL_MAP_READ) | cl_map_flags(CL_MAP_WRITE)
        case .writeInvalidate: cl_map_flags(CL_MAP_WRITE_INVALIDATE_REGION)
        }
    }
}

extension Queue {
    /// Lets the host look at or change a buffer's memory, after all earlier commands of this queue.
    ///
    /// Where device and host share memory nothing is copied. The memory is valid only inside `body`, and no
    /// command may use the same part of the buffer meanwhile. On return the changes have reached the device;
    /// after mere reading the unmapping is left to the queue.
    ///
    /// - Parameters:
    ///   - buffer: whose memory it is.
    ///   - access: what `body` does with the memory.
    ///   - range: the elements to map, by default all.
    ///   - events: commands of other queues to wait for.
    ///   - body: gets the memory; what it throws is thrown on after unmapping.
    public func withMapped<Element, Value>(
        _ buffer: Buffer<Element>, for access: MapAccess, range: Range<Int>? = nil,
        after events: [Event] = [], _ body: (UnsafeMutableBufferPointer<Element>) throws -> Value
    ) throws -> Value {
        let (offset, size) = try buffer.bytes(range, for: "clEnqueueMapBuffer")
        let raw = try map(buffer, access, offset, size, events)
        let elements = UnsafeMutableBufferPointer(
            start: raw.assumingMemoryBound(to: Element.self), count: range?.count ?? buffer.count)
        let value = Result { try body(elements) }
        let unmapped = Result { try unmap(buffer, raw, waiting: access != .read) }
        let result = try value.get()
        try unmapped.get()
        return result
    }

    private func map<Element>(
        _ buffer: Buffer<Element>, _ access: MapAccess, _ offset: Int, _ size: Int, _ events: [Event]
    ) throws(OpenCLError) -> UnsafeMutableRawPointer {
        let call = "clEnqueueMapBuffer"
        try requireOwnContext(buffer.context, of: "the buffer", in: call)
        var mapped: UnsafeMutableRawPointer?
        let event = try submit(call, after: events) {
            var status = CL_SUCCESS
            mapped = clEnqueueMapBuffer(
                handle.pointer, buffer.handle.pointer, yes, access.flags, offset, size, $0, $1, $2, &status)
            return status
        }
        guard let mapped else {
            throw OpenCLError(code: CL_MAP_FAILURE, call: call, device: context.device.name)
        }
        do throws(OpenCLError) {
            try event.throwIfTerminated()
        } catch {
            // Nobody will look at it, so nobody else would give it back.
            try? unmap(buffer, mapped, waiting: false)
            throw error
        }
        return mapped
    }

    private func unmap<Element>(
        _ buffer: Buffer<Element>, _ mapped: UnsafeMutableRawPointer, waiting: Bool
    ) throws(OpenCLError) {
        let event = try submit("clEnqueueUnmapMemObject", after: []) {
            clEnqueueUnmapMemObject(handle.pointer, buffer.handle.pointer, mapped, $0, $1, $2)
        }
        if waiting { try event.wait() } else { try flush() }
    }
}
