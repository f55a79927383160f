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

extension Int8: KernelScalar { public static var kernelTypeName: String { "char" } }
extension UInt8: KernelScalar { public static var kernelTypeName: String { "uchar" } }
extension Int16: KernelScalar { public static var kernelTypeName: String { "short" } }
extension UInt16: KernelScalar { public static var kernelTypeName: String { "ushort" } }
extension Int32: KernelScalar { public static var kernelTypeName: String { "int" } }
extension UInt32: KernelScalar { public static var kernelTypeName: String { "uint" } }
extension Int64: KernelScalar { public static var kernelTypeName: String { "long" } }
extension UInt64: KernelScalar { public static var kernelTypeName: String { "ulong" } }
extension Float: KernelScalar { public static var kernelTypeName: String { "float" } }
extension Double: KernelScalar { public static var kernelTypeName: String { "double" } }

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
