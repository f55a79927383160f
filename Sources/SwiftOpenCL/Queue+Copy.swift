import COpenCL

extension Queue {
    /// Enqueues a copy of `range`, by default of the whole buffer, to `destination` from its element `start`
    /// on. Within one buffer the two must not overlap.
    @discardableResult
    public func copy<Element>(
        _ source: Buffer<Element>, range: Range<Int>? = nil, to destination: Buffer<Element>,
        at start: Int = 0, after events: [Event] = []
    ) throws(OpenCLError) -> Event {
        let call = "clEnqueueCopyBuffer"
        try requireOwnContext(source.context, of: "the source", in: call)
        try requireOwnContext(destination.context, of: "the destination", in: call)
        let (from, size) = try source.bytes(range, for: call)
        let target = try destination.range(from: start, length: range?.count ?? source.count, for: call)
        let (to, _) = try destination.bytes(target, for: call)
        guard source !== destination || from + size <= to || to + size <= from else {
            throw OpenCLError(
                .range, code: CL_MEM_COPY_OVERLAP, call: call, device: context.device.name,
                detail: "elements \(range ?? 0..<source.count) to \(target) of the same buffer")
        }
        return try submit(call, after: events) {
            clEnqueueCopyBuffer(
                handle.pointer, source.handle.pointer, destination.handle.pointer, from, to, size, $0, $1, $2)
        }
    }

    /// Enqueues setting all elements of `range`, by default of the whole buffer, to `element`.
    ///
    /// - Throws: ``OpenCLError`` with reason `.argument` if the element's size isn't a power of two up to 128
    ///   bytes: OpenCL fills with no others.
    @discardableResult
    public func fill<Element>(
        _ buffer: Buffer<Element>, with element: Element, range: Range<Int>? = nil,
        after events: [Event] = []
    ) throws(OpenCLError) -> Event {
        let call = "clEnqueueFillBuffer"
        try requireOwnContext(buffer.context, of: "the buffer", in: call)
        let (offset, size) = try buffer.bytes(range, for: call)
        let pattern = MemoryLayout<Element>.size
        guard pattern == MemoryLayout<Element>.stride, pattern.nonzeroBitCount == 1, pattern <= 128 else {
            throw OpenCLError(
                .argument, code: CL_INVALID_VALUE, call: call, device: context.device.name,
                detail: "\(Element.self) has \(pattern) bytes; OpenCL fills with 1, 2, 4 … 128 bytes")
        }
        return try submit(call, after: events) { (count, list, event) in
            withUnsafeBytes(of: element) {
                clEnqueueFillBuffer(
                    handle.pointer, buffer.handle.pointer, $0.baseAddress, pattern, offset, size,
                    count, list, event)
            }
        }
    }
}
