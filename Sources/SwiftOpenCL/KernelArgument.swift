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
        case bytes([UInt8], type: String?)
        case memory(Handle, Context)
        case local(bytes: Int)
    }

    let storage: Storage
    let swiftType: String

    /// A value that is copied into the kernel's parameter.
    ///
    /// - Parameters:
    ///   - value: laid out as OpenCL C lays out the parameter's type.
    ///   - type: the name of that type in OpenCL C, such as `uint4`; nil for a type of the kernel's own.
    public init<Value: BitwiseCopyable>(_ value: Value, type: String?) {
        storage = .bytes(withUnsafeBytes(of: value) { [UInt8]($0) }, type: type)
        swiftType = "\(Value.self)"
    }

    init(_ storage: Storage, swiftType: String) {
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
        KernelArgumentValue(.local(bytes: bytes), swiftType: "LocalMemory")
    }
}

extension Buffer: KernelArgument {
    /// The memory as OpenCL takes it.
    public var kernelArgumentValue: KernelArgumentValue {
        KernelArgumentValue(.memory(handle, context), swiftType: "Buffer<\(Element.self)>")
    }
}
