/// A number that a ``Tensor`` may hold.
public protocol TensorElement: BitwiseCopyable, Sendable, Hashable {
    /// The name used in messages, such as `float32`.
    static var typeName: String { get }
}

extension Float16: TensorElement {
    /// float16
    public static var typeName: String { "float16" }
}

extension Float: TensorElement {
    /// float32
    public static var typeName: String { "float32" }
}

extension Double: TensorElement {
    /// float64
    public static var typeName: String { "float64" }
}
