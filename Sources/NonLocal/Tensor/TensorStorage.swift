/// The elements of a tensor, for one tensor or for copies of it.
///
/// `@unchecked Sendable`: written only while a single ``Tensor`` refers to it (copy on write) or before
/// any does.
final class TensorStorage<Element: TensorElement>: @unchecked Sendable {
    let elements: UnsafeMutableBufferPointer<Element>
    /// What OpenCL has to keep while it works on the elements.
    let memory: HostMemory
    private weak var pool: MemoryPool?

    /// Memory for `count` elements, not initialised.
    ///
    /// - Parameter pool: where the memory may come from, and goes to in the end.
    /// - Throws: ``NonLocalError/Code/memory`` if the system has none to give.
    init(count: Int, pool: MemoryPool? = nil) throws(NonLocalError) {
        let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        guard count >= 0, !overflow, let memory = pool?.take(bytes: bytes) ?? HostMemory(bytes: bytes) else {
            throw NonLocalError(
                .memory, "no memory for \(count) elements of \(Element.typeName)",
                advice: "Use a smaller tensor or a machine with more memory.")
        }
        self.memory = memory
        self.pool = pool
        elements = UnsafeMutableBufferPointer(
            start: memory.address.bindMemory(to: Element.self, capacity: count), count: count)
    }

    deinit { pool?.keep(memory) }
}
