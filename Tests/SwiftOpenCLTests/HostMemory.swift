import Foundation

/// Page-aligned memory that counts how many of its kind there are.
final class HostMemory<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {
    let elements: UnsafeMutableBufferPointer<Element>
    private let onDeinit: @Sendable () -> Void

    /// Memory for `values`; `onDeinit` is called when it is freed.
    init(_ values: [Element], onDeinit: @escaping @Sendable () -> Void = {}) {
        let raw = UnsafeMutableRawPointer.allocate(
            byteCount: values.count * MemoryLayout<Element>.stride, alignment: 4096)
        let start = raw.bindMemory(to: Element.self, capacity: values.count)
        elements = UnsafeMutableBufferPointer(start: start, count: values.count)
        _ = elements.initialize(fromContentsOf: values)
        self.onDeinit = onDeinit
    }

    deinit {
        UnsafeMutableRawPointer(elements.baseAddress)?.deallocate()
        onDeinit()
    }
}

/// A flag that several threads may set and look at.
final class Flag: @unchecked Sendable {
    private let lock = NSLock()
    private var value = false

    var isSet: Bool { lock.withLock { value } }

    func set() { lock.withLock { value = true } }

    /// Whether the flag gets set within `seconds`.
    func isSet(within seconds: Double) -> Bool {
        let deadline = Date().addingTimeInterval(seconds)
        while !isSet, Date() < deadline { Thread.sleep(forTimeInterval: 0.002) }
        return isSet
    }
}
