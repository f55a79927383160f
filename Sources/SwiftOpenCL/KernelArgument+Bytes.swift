/// The bytes of an argument: in place up to those of a `long8` or `float16`, as a launch passes dozens.
struct KernelArgumentBytes: Sendable {
    let count: Int
    private var inline: SIMD8<UInt64> = .zero
    private var large: [UInt8] = []

    /// - Parameter value: without references, as all numbers and vectors of them are.
    init<Value>(copying value: Value) {
        count = MemoryLayout<Value>.size
        if count <= MemoryLayout<SIMD8<UInt64>>.size {
            withUnsafeMutableBytes(of: &inline) { target in
                withUnsafeBytes(of: value) { target.copyMemory(from: $0) }
            }
        } else {
            large = withUnsafeBytes(of: value) { [UInt8]($0) }
        }
    }

    /// Calls `body` with the address of ``count`` bytes.
    func withAddress<Result>(_ body: (UnsafeRawPointer?) -> Result) -> Result {
        large.isEmpty
            ? withUnsafeBytes(of: inline) { body($0.baseAddress) }
            : large.withUnsafeBytes { body($0.baseAddress) }
    }
}

/// The name of a type in OpenCL C, in parts, so that naming a vector builds no string.
struct KernelTypeName: Sendable, Hashable {
    let scalar: String
    /// Numbers in a vector; 1 for a scalar, or a type of the kernel's own.
    let lanes: Int

    init(scalar: String, lanes: Int) {
        self.scalar = scalar
        self.lanes = lanes
    }

    /// The parts of a name such as `uint4`.
    init(_ name: String) {
        let digits = name.reversed().prefix { $0.isASCII && $0.isNumber }.count
        let lanes = Int(name.suffix(digits))
        self.init(scalar: lanes == nil ? name : String(name.dropLast(digits)), lanes: lanes ?? 1)
    }

    /// Whether OpenCL C has a number or vector of this name.
    var isBuiltIn: Bool {
        [1, 2, 3, 4, 8, 16].contains(lanes)
            && [
                "char", "uchar", "short", "ushort", "int", "uint", "long", "ulong", "float", "double",
            ].contains(scalar)
    }
}
