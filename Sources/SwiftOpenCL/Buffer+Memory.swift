import COpenCL

extension Handle {
    /// The bytes of `count` elements, which must be at least one and not overflow.
    static func byteCount<Element>(
        of type: Element.Type, count: Int, on device: Device
    ) throws(OpenCLError) -> Int {
        let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        guard count > 0, !overflow else {
            throw OpenCLError(
                .range, code: CL_INVALID_BUFFER_SIZE, call: "clCreateBuffer", device: device.name,
                detail:
                    "\(count) elements of \(Element.self) (\(MemoryLayout<Element>.stride) bytes) asked for")
        }
        return bytes
    }

    /// A memory object of `bytes` bytes.
    convenience init(
        bufferOf bytes: Int, in context: Context, flags: cl_mem_flags, host: UnsafeMutableRawPointer? = nil
    ) throws(OpenCLError) {
        let device = context.device
        try self.init(
            "clCreateBuffer", on: device.name,
            detail: "\(bytes) bytes asked for; the device promises \(device.maxAllocation) bytes in one "
                + "buffer and has \(device.globalMemory) in all",
            release: clReleaseMemObject
        ) { clCreateBuffer(context.handle.pointer, flags, bytes, host, $0) }
    }

    /// Retains `owner` until the driver destroys this memory object.
    ///
    /// That is later than the last `clReleaseMemObject` when commands that use it are still enqueued, so a
    /// reference in the Swift object would not do.
    func retainUntilDestroyed(_ owner: any AnyObject & Sendable, on device: Device) throws(OpenCLError) {
        let retained = Unmanaged<AnyObject>.passRetained(owner)
        let status = clSetMemObjectDestructorCallback(pointer, { releaseOwner($1) }, retained.toOpaque())
        if status != CL_SUCCESS { retained.release() }
        try check(status, "clSetMemObjectDestructorCallback", on: device.name)
    }
}

/// Releases an object that was retained for a C callback.
func releaseOwner(_ pointer: UnsafeMutableRawPointer?) {
    guard let pointer else { return }
    Unmanaged<AnyObject>.fromOpaque(pointer).release()
}

extension Buffer {
    /// The bytes of a range of elements, which must not be empty and lie within the buffer.
    func bytes(_ range: Range<Int>?, for call: String) throws(OpenCLError) -> (offset: Int, size: Int) {
        let range = range ?? 0..<count
        guard !range.isEmpty, range.lowerBound >= 0, range.upperBound <= count else {
            throw OpenCLError(
                .range, code: CL_INVALID_VALUE, call: call, device: context.device.name,
                detail: "elements \(range) of a buffer of \(count)")
        }
        let stride = MemoryLayout<Element>.stride
        return (range.lowerBound * stride, range.count * stride)
    }

    /// The range of `length` elements from `start`, refusing an overflow.
    func range(from start: Int, length: Int, for call: String) throws(OpenCLError) -> Range<Int> {
        let (end, overflow) = start.addingReportingOverflow(length)
        guard !overflow, start >= 0, length > 0 else {
            throw OpenCLError(
                .range, code: CL_INVALID_VALUE, call: call, device: context.device.name,
                detail: "\(length) elements from element \(start) of a buffer of \(count)")
        }
        return start..<end
    }
}
