/// How a file stores a number.
enum NumberFormat: Sendable, Hashable {
    case float16, bfloat16, float32, float64

    /// The format whose little-endian bytes are those of `Element` in memory.
    init?(_ element: any TensorElement.Type) {
        switch element {
        case is Float16.Type: self = .float16
        case is Float.Type: self = .float32
        case is Double.Type: self = .float64
        default: return nil
        }
    }

    /// Bytes in a number.
    var size: Int {
        switch self {
        case .float16, .bfloat16: 2
        case .float32: 4
        case .float64: 8
        }
    }
}

/// Numbers in a file: where they stand and how.
struct StoredNumbers {
    var file: InputFile
    /// The first byte.
    var offset: Int
    var format: NumberFormat
    var bigEndian = false

    /// Reads `target.count` numbers, each rounded to the nearest that `Element` holds.
    ///
    /// The caller has compared the count with the file's size.
    func read<Element: TensorElement & BinaryFloatingPoint>(
        into target: UnsafeMutableBufferPointer<Element>
    ) throws {
        if NumberFormat(Element.self) == format, bigEndian == (1.bigEndian == 1) {
            return try file.read(into: UnsafeMutableRawBufferPointer(target), at: offset)
        }
        let chunk = 1 << 16
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: chunk * format.size, alignment: 16)
        defer { buffer.deallocate() }
        for start in stride(from: 0, to: target.count, by: chunk) {
            let part = UnsafeMutableBufferPointer(rebasing: target[start..<min(start + chunk, target.count)])
            let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer[..<(part.count * format.size)])
            try file.read(into: bytes, at: offset + start * format.size)
            decode(UnsafeRawBufferPointer(bytes), into: part)
        }
    }

    /// Sends each element type to code that the compiler has made for it: callers in other modules would
    /// otherwise pay for a generic conversion per number.
    private func decode<Element: TensorElement & BinaryFloatingPoint>(
        _ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<Element>
    ) {
        let raw = UnsafeMutableRawBufferPointer(target)
        switch Element.self {
        case is Float.Type: convert(bytes, into: raw.assumingMemoryBound(to: Float.self))
        case is Double.Type: convert(bytes, into: raw.assumingMemoryBound(to: Double.self))
        case is Float16.Type: convert(bytes, into: raw.assumingMemoryBound(to: Float16.self))
        default: convert(bytes, into: target)
        }
    }

    private func convert<Element: BinaryFloatingPoint>(
        _ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<Element>
    ) {
        switch format {
        case .float16: convert(bytes, into: target) { Element(Float(Float16(bitPattern: $0))) }
        case .bfloat16:
            convert(bytes, into: target) { Element(Float(bitPattern: UInt32($0 as UInt16) << 16)) }
        case .float32: convert(bytes, into: target) { Element(Float(bitPattern: $0)) }
        case .float64: convert(bytes, into: target) { Element(Double(bitPattern: $0)) }
        }
    }

    @inline(__always)
    private func convert<Bits: FixedWidthInteger & BitwiseCopyable, Element>(
        _ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<Element>,
        _ value: (Bits) -> Element
    ) {
        for index in 0..<target.count {
            let bits = bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Bits>.size, as: Bits.self)
            target.initializeElement(
                at: index, to: value(bigEndian ? Bits(bigEndian: bits) : Bits(littleEndian: bits)))
        }
    }
}
