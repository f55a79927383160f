import Foundation

/// Page-aligned host memory, so that CPU devices can work in it without a copy.
///
/// Apart from ``TensorStorage``, because OpenCL may hold on to memory a moment longer than any tensor does,
/// and a tensor whose memory looks shared for that moment would be copied when it is written to.
///
/// `@unchecked Sendable`: only the owner of the memory, a storage or the device, writes to it.
final class HostMemory: @unchecked Sendable {
    let address: UnsafeMutableRawPointer
    /// Never less than was asked for.
    let bytes: Int

    private static let page = 4096
    private static let hugePage = 2 << 20
    /// Bytes from which on memory is in large pages, if the system has them.
    static let leastLarge = 2 * hugePage

    /// - Returns: nil if the system has none to give.
    init?(bytes: Int) {
        let isLarge = bytes >= Self.leastLarge
        let alignment = isLarge ? Self.hugePage : Self.page
        let (end, overflow) = max(bytes, 1).addingReportingOverflow(Self.page - 1)
        var memory: UnsafeMutableRawPointer?
        guard !overflow, posix_memalign(&memory, alignment, end / Self.page * Self.page) == 0, let memory
        else { return nil }
        address = memory
        self.bytes = end / Self.page * Self.page
        #if canImport(Glibc)
            // Strided reads of a large tensor touch more small pages than a processor keeps track of, and
            // each small page would be faulted in by itself. Only advice: a refusal changes nothing.
            if isLarge { _ = madvise(memory, self.bytes, MADV_HUGEPAGE) }
        #endif
    }

    deinit { free(address) }
}

/// The large memory that a result last gave up, kept for the next one: fresh memory costs a page fault for
/// each of its pages.
///
/// It holds one piece at most, no larger than its owner's largest result, until ``release()``.
final class MemoryPool: Sendable {
    private let lock = NSLock()
    private nonisolated(unsafe) var kept: HostMemory?

    /// Below this the allocator itself keeps what is freed.
    private static let leastBytes = 1 << 20

    /// What is kept, if it is of just this size.
    func take(bytes: Int) -> HostMemory? {
        lock.withLock {
            guard let memory = kept, memory.bytes - bytes < 4096, memory.bytes >= bytes else { return nil }
            kept = nil
            return memory
        }
    }

    /// Keeps memory that nobody uses any more, in place of what was kept.
    func keep(_ memory: HostMemory) {
        guard memory.bytes >= Self.leastBytes else { return }
        lock.withLock { kept = memory }
    }

    /// Gives the memory back to the system.
    func release() { lock.withLock { kept = nil } }
}
