/// What can be given for a kernel's parameter: a scalar or vector, a ``Buffer``, ``LocalMemory``.
///
/// `Int` is none, as its width isn't fixed: write `Int32(n)` for `int`, `Int64(n)` for `long`.
public protocol KernelArgument: Sendable {
    /// The argument as OpenCL takes it.
    var kernelArgumentValue: KernelArgumentValue { get }
}

/// An argument as OpenCL takes it.
public struct KernelArgumentValue: Sendable {
    enum Storage: Sendable {
        case bytes(KernelArgumentBytes, type: KernelTypeName?)
        case memory(Handle, Context)
        case local(bytes: Int)
    }

    let storage: Storage
    /// What messages name; its name costs more than a launch, so it is made for a message only.
    let swiftType: any Any.Type

    /// A value that is copied into the kernel's parameter.
    ///
    /// - Parameters:
    ///   - value: laid out as OpenCL C lays out the parameter's type.
    ///   - type: the name of that type in OpenCL C, such as `uint4`; nil for a type of the kernel's own.
    public init<Value: BitwiseCopyable>(_ value: Value, type: String?) {
        self.init(value, type: type.map(KernelTypeName.init))
    }

    init<Value: BitwiseCopyable>(_ value: Value, type: KernelTypeName?) {
        self.init(.bytes(KernelArgumentBytes(copying: value), type: type), swiftType: Value.self)
    }

    init(_ storage: Storage, swiftType: any Any.Type) {
        self.storage = storage
        self.swiftType = swiftType
    }
}

/// Local memory for a work-group, for a parameter such as `__local float *`.
public struct LocalMemory: KernelArgument, Hashable {
    /// Number of bytes; must be positive.
    public let bytes: Int

    /// Local memory of `bytes` bytes.
    public init(bytes: Int) { self.bytes = bytes }

    /// The memory as OpenCL takes it.
    public var kernelArgumentValue: KernelArgumentValue {
        KernelArgumentValue(.local(bytes: bytes), swiftType: LocalMemory.self)
    }
}

extension Buffer: KernelArgument {
    /// The memory as OpenCL takes it.
    public var kernelArgumentValue: KernelArgumentValue {
        KernelArgumentValue(.memory(handle, context), swiftType: Buffer<Element>.self)
    }
}
