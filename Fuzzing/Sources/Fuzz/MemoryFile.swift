import Foundation
import Support

/// A file without a disk, which readers can open by a path.
struct MemoryFile {
    private let descriptor: Int32
    /// Where it can be opened.
    let path: String

    init() {
        descriptor = memory_file()
        precondition(descriptor >= 0 && fchmod(descriptor, 0o600) == 0)
        path = "/proc/self/fd/\(descriptor)"
    }

    /// Makes `bytes` all that the file holds.
    func hold(_ bytes: UnsafeRawBufferPointer) {
        precondition(ftruncate(descriptor, 0) == 0)
        precondition(bytes.isEmpty || pwrite(descriptor, bytes.baseAddress, bytes.count, 0) == bytes.count)
    }
}
