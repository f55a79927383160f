import Foundation

/// Page-aligned host memory, so that CPU devices can work in it without a copy.
///
/// `@unchecked Sendable`: written only while a single ``Tensor`` refers to it (copy on write) or before
/// any does.
final class TensorStorage<Element: TensorElement>: @unchecked Sendable {
    static var alignment: Int { 4096 }

    let elements: UnsafeMutableBufferPointer<Element>

    /// Memory for `count` elements, not initialised.
    ///
    /// - Throws: ``NonLocalError/Code/memory`` if the system has none to give.
    init(count: Int) throws(NonLocalError) {
        let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        let padded = bytes.addingReportingOverflow(Self.alignment - 1)
        var memory: UnsafeMutableRawPointer?
        guard !overflow, !padded.overflow, count >= 0,
            posix_memalign(
                &memory, Self.alignment,
                max(padded.partialValue / Self.alignment, 1) * Self.alignment) == 0,
            let memory
        else {
            throw NonLocalError(
                .memory, "no memory for \(count) elements of \(Element.typeName)",
                advice: "Use a smaller tensor or a machine with more memory.")
        }
        elements = UnsafeMutableBufferPointer(
            start: memory.bindMemory(to: Element.self, capacity: count), count: count)
    }

    deinit { free(elements.baseAddress) }
}
