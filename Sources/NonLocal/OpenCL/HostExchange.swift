import SwiftOpenCL

/// Brings tensors to the device and back: in place where device and host share memory, else by copying.
struct HostExchange: Sendable {
    let session: OpenCLSession

    private var shares: Bool { session.sharesHostMemory }

    /// Elements `range` of a tensor, for the device to read.
    ///
    /// - Parameter staging: device memory for them, where host memory isn't shared.
    func upload(_ tensor: Tensor<Float>, _ range: Range<Int>, staging: Buffer<Float>?) throws -> Buffer<Float>
    {
        let elements = UnsafeMutableBufferPointer(rebasing: tensor.storage.elements[range])
        if let staging {
            try session.queue.write(UnsafeBufferPointer(elements), to: staging)
            return staging
        }
        return shares
            ? try Buffer(
                session.context, sharing: elements, keeping: tensor.storage.memory, access: .readOnly)
            : try Buffer(session.context, copying: UnsafeBufferPointer(elements), access: .readOnly)
    }

    /// Device memory that stands for elements `range` of a tensor that is being made.
    func target(_ storage: TensorStorage<Float>, _ range: Range<Int>, staging: Buffer<Float>?) throws
        -> Buffer<Float>
    {
        if let staging { return staging }
        let elements = UnsafeMutableBufferPointer(rebasing: storage.elements[range])
        return shares
            ? try Buffer(session.context, sharing: elements, keeping: storage.memory, access: .readWrite)
            : try Buffer(session.context, count: range.count)
    }

    /// Makes what the device has written to a target visible in the tensor's memory.
    func download(
        _ target: Buffer<Float>, to storage: TensorStorage<Float>, _ range: Range<Int>,
        staging: Buffer<Float>?
    ) throws {
        if staging == nil, shares {
            try session.queue.withMapped(target, for: .read) { _ in }
        } else {
            let elements = UnsafeMutableBufferPointer(rebasing: storage.elements[range])
            try session.queue.read(target, range: 0..<range.count, into: elements)
        }
    }
}
