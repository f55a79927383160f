/// A picture's chunks, so that changed ones carry the checksum that their contents ask for: libpng looks at no
/// other.
enum PNGChunks {
    /// Rewrites the checksum of each chunk that lies wholly within `bytes`.
    static func mendChecksums(_ bytes: UnsafeMutableRawBufferPointer) {
        var position = 8
        while position + 12 <= bytes.count {
            let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
            let end = position + 8 + length
            guard end + 4 <= bytes.count else { return }
            let sum = checksum(bytes[position + 4..<end])
            for i in 0..<4 { bytes[end + i] = UInt8(truncatingIfNeeded: sum >> (24 - 8 * UInt32(i))) }
            position = end + 4
        }
    }

    private static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~0 as UInt32) { table[Int(($0 ^ UInt32($1)) & 0xFF)] ^ $0 >> 8 }
    }

    private static let table: [UInt32] = (0..<256).map { number in
        (0..<8).reduce(UInt32(number)) { value, _ in value & 1 == 0 ? value >> 1 : 0xEDB8_8320 ^ value >> 1 }
    }
}
