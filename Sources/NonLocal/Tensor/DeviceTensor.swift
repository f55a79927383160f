import SwiftOpenCL

/// A tensor in the memory of a device, for chains of blocks whose tensors don't cross the bus in between.
///
///     let z = try second(first(first.upload(x))).download()
///
/// It never changes. A device that works in the host's memory copies nothing on the way in or out; on the CPU
/// reference it is a tensor like any other.
public final class DeviceTensor: Sendable {
    /// The extent of each dimension, outermost first, such as `[B, C, T, H, W]`.
    public let shape: [Int]
    let place: Place

    /// Where the elements are.
    enum Place: Sendable {
        /// In host memory, for the reference.
        case host(Tensor<Float>)
        /// In host memory that the session's device works in.
        case shared(Tensor<Float>, Buffer<Float>, OpenCLSession)
        /// In the device's own memory.
        case device(Buffer<Float>, OpenCLSession)
    }

    init(shape: [Int], _ place: Place) {
        self.shape = shape
        self.place = place
    }

    /// The number of elements: the product of ``shape``.
    public var count: Int { shape.reduce(1, *) }

    /// The device that holds it; none for the reference.
    public var device: String? { session?.device.name }

    /// The elements in host memory.
    ///
    /// - Throws: `OpenCLError` from the device, ``NonLocalError/Code/memory`` if the host has no room.
    public func download() throws -> Tensor<Float> {
        switch place {
        case .host(let tensor): return tensor
        case .shared(let tensor, let buffer, let session):
            try session.queue.withMapped(buffer, for: .read) { _ in }
            return tensor
        case .device(let buffer, let session):
            return try Tensor(shape: shape) { try session.queue.read(buffer, range: 0..<count, into: $0) }
        }
    }

    /// A tensor of the same shape in host memory in which nothing but some items of the batch is defined.
    func download(items: [Int]) throws -> Tensor<Float> {
        guard case .device(let buffer, let session) = place else { return try download() }
        let size = count / max(shape.first ?? 1, 1)
        return try Tensor(shape: shape) { elements in
            for item in items {
                let range = item * size..<(item + 1) * size
                try session.queue.read(
                    buffer, range: range, into: UnsafeMutableBufferPointer(rebasing: elements[range]))
            }
        }
    }

    var session: OpenCLSession? {
        switch place {
        case .host: nil
        case .shared(_, _, let session), .device(_, let session): session
        }
    }

    /// Its memory on the device of a session.
    ///
    /// - Throws: ``NonLocalError/Code/configuration`` if it is not of that session.
    func buffer(in session: OpenCLSession) throws(NonLocalError) -> Buffer<Float> {
        switch place {
        case .shared(_, let buffer, session), .device(let buffer, session): return buffer
        default:
            throw NonLocalError(
                .configuration,
                "a tensor of \(device.map { "another session of '\($0)'" } ?? "the CPU reference") was given to "
                    + "what was prepared in a session of '\(session.device.name)'",
                advice: "Prepare all in one session (backend: .opencl(in: session)), or download the tensor.")
        }
    }
}

extension OpenCLSession {
    /// Brings a tensor into the device's memory.
    func upload(_ tensor: Tensor<Float>) throws -> DeviceTensor {
        let elements = tensor.storage.elements
        if sharesHostMemory {
            let buffer = try Buffer(
                context, sharing: elements, keeping: tensor.storage.memory, access: .readOnly)
            return DeviceTensor(shape: tensor.shape, .shared(tensor, buffer, self))
        }
        let buffer = try Buffer(context, copying: UnsafeBufferPointer(elements), access: .readOnly)
        return DeviceTensor(shape: tensor.shape, .device(buffer, self))
    }

    /// Memory for a result of kernels, not initialised.
    ///
    /// - Parameter pool: where host memory comes from, if that is what the device works in.
    func makeTensor(shape: [Int], pool: MemoryPool) throws -> (tensor: DeviceTensor, buffer: Buffer<Float>) {
        let count = try elementCount(of: shape)
        if sharesHostMemory {
            let storage = try TensorStorage<Float>(count: count, pool: pool)
            let buffer = try Buffer(context, sharing: storage.elements, keeping: storage.memory)
            let place = DeviceTensor.Place.shared(Tensor(shape: shape, storage: storage), buffer, self)
            return (DeviceTensor(shape: shape, place), buffer)
        }
        let buffer = try Buffer<Float>(context, count: count)
        return (DeviceTensor(shape: shape, .device(buffer, self)), buffer)
    }
}
