/// A number that OpenCL C has a type for.
public protocol KernelScalar: KernelArgument, BitwiseCopyable {
    /// The name of that type, such as `uint`.
    static var kernelTypeName: String { get }
}

extension KernelScalar {
    /// The value as OpenCL takes it.
    public var kernelArgumentValue: KernelArgumentValue {
        KernelArgumentValue(self, type: KernelTypeName(scalar: Self.kernelTypeName, lanes: 1))
    }
}

extension Int8: KernelScalar {
    /// OpenCL C's `char`.
    public static var kernelTypeName: String { "char" }
}
extension UInt8: KernelScalar {
    /// OpenCL C's `uchar`.
    public static var kernelTypeName: String { "uchar" }
}
extension Int16: KernelScalar {
    /// OpenCL C's `short`.
    public static var kernelTypeName: String { "short" }
}
extension UInt16: KernelScalar {
    /// OpenCL C's `ushort`.
    public static var kernelTypeName: String { "ushort" }
}
extension Int32: KernelScalar {
    /// OpenCL C's `int`.
    public static var kernelTypeName: String { "int" }
}
extension UInt32: KernelScalar {
    /// OpenCL C's `uint`.
    public static var kernelTypeName: String { "uint" }
}
extension Int64: KernelScalar {
    /// OpenCL C's `long`.
    public static var kernelTypeName: String { "long" }
}
extension UInt64: KernelScalar {
    /// OpenCL C's `ulong`.
    public static var kernelTypeName: String { "ulong" }
}
extension Float: KernelScalar {
    /// OpenCL C's `float`.
    public static var kernelTypeName: String { "float" }
}
extension Double: KernelScalar {
    /// OpenCL C's `double`.
    public static var kernelTypeName: String { "double" }
}

extension KernelArgumentValue {
    fileprivate init<Vector: SIMD>(vector: Vector) where Vector.Scalar: KernelScalar {
        let type = KernelTypeName(scalar: Vector.Scalar.kernelTypeName, lanes: vector.scalarCount)
        self.init(.bytes(KernelArgumentBytes(copying: vector), type: type), swiftType: Vector.self)
    }
}

extension SIMD2: KernelArgument where Scalar: KernelScalar {
    /// The value as OpenCL takes it.
    public var kernelArgumentValue: KernelArgumentValue { .init(vector: self) }
}

// Four scalars wide in memory, in Swift as in OpenCL C.
extension SIMD3: KernelArgument where Scalar: KernelScalar {
    /// The value as OpenCL takes it.
    public var kernelArgumentValue: KernelArgumentValue { .init(vector: self) }
}

extension SIMD4: KernelArgument where Scalar: KernelScalar {
    /// The value as OpenCL takes it.
    public var kernelArgumentValue: KernelArgumentValue { .init(vector: self) }
}

extension SIMD8: KernelArgument where Scalar: KernelScalar {
    /// The value as OpenCL takes it.
    public var kernelArgumentValue: KernelArgumentValue { .init(vector: self) }
}

extension SIMD16: KernelArgument where Scalar: KernelScalar {
    /// The value as OpenCL takes it.
    public var kernelArgumentValue: KernelArgumentValue { .init(vector: self) }
}
