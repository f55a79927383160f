/// A dense array of numbers in row-major order: the last index runs fastest.
///
/// A value: copies share memory until one of them is written to.
public struct Tensor<Element: TensorElement>: Sendable {
    /// The extent of each dimension, outermost first, such as `[B, C, T, H, W]`.
    public let shape: [Int]
    var storage: TensorStorage<Element>

    /// The number of elements: the product of ``shape``.
    public var count: Int { storage.elements.count }

    /// A tensor of `shape` that `initialize` fills.
    ///
    /// - Parameters:
    ///   - shape: the extent of each dimension, outermost first.
    ///   - initialize: receives memory for all elements, uninitialised, and has to write each.
    /// - Throws: ``NonLocalError/Code/shape`` if `shape` has a negative extent or its product overflows;
    ///   ``NonLocalError/Code/memory``; and whatever `initialize` throws.
    public init(
        shape: [Int], initializing initialize: (UnsafeMutableBufferPointer<Element>) throws -> Void
    ) throws {
        self.shape = shape
        storage = try TensorStorage(count: elementCount(of: shape))
        try initialize(storage.elements)
    }

    /// A tensor of `shape` with the given elements in row-major order.
    ///
    /// - Throws: ``NonLocalError/Code/shape`` if the number of elements is not the product of `shape`.
    public init(shape: [Int], elements: some Collection<Element>) throws {
        let count = try elementCount(of: shape)
        guard elements.count == count else {
            throw NonLocalError(
                .shape, "\(elements.count) elements can't fill a tensor of shape \(shape), which has \(count)"
            )
        }
        try self.init(shape: shape) { _ = $0.initialize(from: elements) }
    }

    /// A tensor of `shape` with every element equal to `value`.
    public init(repeating value: Element, shape: [Int]) throws {
        try self.init(shape: shape) { $0.initialize(repeating: value) }
    }

    /// The elements in row-major order.
    public var elements: [Element] { Array(storage.elements) }

    /// The element at one index for each dimension.
    public subscript(_ indices: Int...) -> Element { storage.elements[offset(of: indices)] }

    /// Calls `body` with the elements in row-major order.
    public func withUnsafeBufferPointer<Result>(
        _ body: (UnsafeBufferPointer<Element>) throws -> Result
    ) rethrows -> Result {
        try withExtendedLifetime(storage) { try body(UnsafeBufferPointer(storage.elements)) }
    }

    /// Calls `body` with the elements, writable, in row-major order.
    ///
    /// - Throws: ``NonLocalError/Code/memory`` if the memory is shared and there is none for a copy.
    public mutating func withUnsafeMutableBufferPointer<Result>(
        _ body: (UnsafeMutableBufferPointer<Element>) throws -> Result
    ) throws -> Result {
        if !isKnownUniquelyReferenced(&storage) {
            let copy = try TensorStorage<Element>(count: count)
            _ = copy.elements.initialize(from: storage.elements)
            storage = copy
        }
        return try body(storage.elements)
    }

    /// The same elements under another shape.
    ///
    /// - Throws: ``NonLocalError/Code/shape`` if the number of elements differs.
    public func reshaped(_ newShape: [Int]) throws -> Tensor {
        guard try elementCount(of: newShape) == count else {
            throw NonLocalError(.shape, "a tensor of shape \(shape) can't be reshaped to \(newShape)")
        }
        return Tensor(shape: newShape, storage: storage)
    }

    /// One entry along the first dimension, which becomes 1: `[1, …]`.
    func item(_ index: Int) throws -> Tensor {
        guard shape[0] > 1 else { return self }
        let size = count / shape[0]
        return try Tensor(shape: [1] + shape.dropFirst()) { target in
            _ = target.initialize(from: storage.elements[index * size..<(index + 1) * size])
        }
    }

    /// A tensor with each element converted by `transform`.
    public func map<Other: TensorElement>(_ transform: (Element) -> Other) throws -> Tensor<Other> {
        try Tensor<Other>(shape: shape) { target in
            for (index, element) in storage.elements.enumerated() { target[index] = transform(element) }
        }
    }

    /// The memory of this tensor for a result of `count` elements, if nothing else uses it.
    mutating func storageToFill(count: Int, besides others: [TensorStorage<Element>]) -> TensorStorage<
        Element
    >? {
        guard self.count == count, others.allSatisfy({ $0 !== storage }), isKnownUniquelyReferenced(&storage)
        else { return nil }
        return storage
    }

    init(shape: [Int], storage: TensorStorage<Element>) {
        self.shape = shape
        self.storage = storage
    }

    private func offset(of indices: [Int]) -> Int {
        precondition(indices.count == shape.count, "\(indices.count) indices for the shape \(shape)")
        return zip(indices, shape).reduce(0) { offset, pair in
            precondition(pair.0 >= 0 && pair.0 < pair.1, "index \(indices) is outside of the shape \(shape)")
            return offset * pair.1 + pair.0
        }
    }
}

extension Tensor: Equatable {
    /// Whether shapes and all elements are equal; NaN equals nothing.
    public static func == (left: Tensor, right: Tensor) -> Bool {
        left.shape == right.shape && left.storage.elements.elementsEqual(right.storage.elements)
    }
}

/// The product of a shape's extents.
///
/// - Throws: ``NonLocalError/Code/shape`` if an extent is negative or the product overflows.
func elementCount(of shape: [Int]) throws(NonLocalError) -> Int {
    var count = 1
    for extent in shape {
        let (product, overflow) = count.multipliedReportingOverflow(by: extent)
        guard extent >= 0, !overflow else {
            throw NonLocalError(
                .shape, "the shape \(shape) has a negative extent or too many elements to count")
        }
        count = product
    }
    return count
}
