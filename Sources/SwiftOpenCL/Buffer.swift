import COpenCL

/// What kernels may do with a buffer.
public enum MemoryAccess: Sendable, Hashable {
    /// Read only.
    case readOnly
    /// Write only.
    case writeOnly
    /// Read and write.
    case readWrite

    var flags: cl_mem_flags {
        switch self {
        case .readOnly: cl_mem_flags(CL_MEM_READ_ONLY)
        case .writeOnly: cl_mem_flags(CL_MEM_WRITE_ONLY)
        case .readWrite: cl_mem_flags(CL_MEM_READ_WRITE)
        }
    }
}

/// Device memory for `count` elements.
///
/// OpenCL keeps the memory until all commands enqueued with it are done, even if the `Buffer` is gone by
/// then. Sendable, because only commands touch the contents; what order they come in is up to the queues.
public final class Buffer<Element: BitwiseCopyable & Sendable>: Sendable {
    let handle: Handle

    /// The context the buffer belongs to.
    public let context: Context

    /// Number of elements.
    public let count: Int

    /// What kernels may do with it.
    public let access: MemoryAccess

    /// Number of bytes.
    public var byteCount: Int { count * MemoryLayout<Element>.stride }

    private init(_ handle: Handle, context: Context, count: Int, access: MemoryAccess) {
        self.handle = handle
        self.context = context
        self.count = count
        self.access = access
    }

    /// Memory with undefined contents.
    ///
    /// - Throws: ``OpenCLError`` with reason `.range` if `count` isn't positive or the size overflows; the
    ///   driver's status, with both sizes, if the device can't allocate as much. Some drivers allocate only
    ///   when the buffer is first used, and fail there.
    public convenience init(
        _ context: Context, count: Int, access: MemoryAccess = .readWrite
    ) throws(OpenCLError) {
        let bytes = try Handle.byteCount(of: Element.self, count: count, on: context.device)
        let handle = try Handle(bufferOf: bytes, in: context, flags: access.flags)
        self.init(handle, context: context, count: count, access: access)
    }

    /// Memory with a copy of `elements`, which must not be empty.
    public convenience init(
        _ context: Context, copying elements: UnsafeBufferPointer<Element>, access: MemoryAccess = .readWrite
    ) throws(OpenCLError) {
        let bytes = try Handle.byteCount(of: Element.self, count: elements.count, on: context.device)
        let handle = try Handle(
            bufferOf: bytes, in: context, flags: access.flags | cl_mem_flags(CL_MEM_COPY_HOST_PTR),
            host: UnsafeMutableRawPointer(mutating: elements.baseAddress))
        self.init(handle, context: context, count: elements.count, access: access)
    }

    /// Memory with a copy of `elements`, which must not be empty.
    public convenience init(
        _ context: Context, copying elements: [Element], access: MemoryAccess = .readWrite
    ) throws(OpenCLError) {
        let bytes = try Handle.byteCount(of: Element.self, count: elements.count, on: context.device)
        let handle = try elements.withUnsafeBufferPointer { (host) throws(OpenCLError) in
            try Handle(
                bufferOf: bytes, in: context, flags: access.flags | cl_mem_flags(CL_MEM_COPY_HOST_PTR),
                host: UnsafeMutableRawPointer(mutating: host.baseAddress))
        }
        self.init(handle, context: context, count: elements.count, access: access)
    }

    /// The host's own memory, without a copy where the device can reach it (`CL_MEM_USE_HOST_PTR`).
    ///
    /// CPU devices and GPUs that share the host's memory use it in place if it starts at a multiple of
    /// ``Device/baseAddressAlignment``, better of a page; other devices keep a copy of their own. Either way
    /// the host may look at the memory only inside ``Queue/withMapped(_:for:range:after:_:)``, and no two
    /// buffers may share the same bytes.
    ///
    /// - Parameters:
    ///   - context: the context of the device that is to reach it.
    ///   - elements: the memory; not empty.
    ///   - owner: keeps the memory allocated and in its place. It is retained until OpenCL is done with the
    ///     memory, which can be after this object is gone and commands are still running, and may be released
    ///     on one of the driver's threads: its `deinit` must not wait for OpenCL commands.
    ///   - access: what kernels may do with it.
    public convenience init(
        _ context: Context, sharing elements: UnsafeMutableBufferPointer<Element>,
        keeping owner: any AnyObject & Sendable, access: MemoryAccess = .readWrite
    ) throws(OpenCLError) {
        let bytes = try Handle.byteCount(of: Element.self, count: elements.count, on: context.device)
        let handle = try Handle(
            bufferOf: bytes, in: context, flags: access.flags | cl_mem_flags(CL_MEM_USE_HOST_PTR),
            host: UnsafeMutableRawPointer(elements.baseAddress))
        try handle.retainUntilDestroyed(owner, on: context.device)
        self.init(handle, context: context, count: elements.count, access: access)
    }
}
