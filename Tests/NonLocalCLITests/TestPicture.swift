#if Pictures
    import Foundation

    /// A PNG file made by hand, without compression: what the command reads is not what it wrote itself.
    struct TestPicture {
        enum Kind: UInt8, CaseIterable {
            case grey = 0, rgb = 2, palette = 3, greyAlpha = 4, rgba = 6

            var samples: Int {
                switch self {
                case .grey, .palette: 1
                case .greyAlpha: 2
                case .rgb: 3
                case .rgba: 4
                }
            }
        }

        let width: Int
        let height: Int
        let kind: Kind
        var bits = 8
        /// Of pixel (x, y) and channel c, from 0 to 1.
        let value: (_ x: Int, _ y: Int, _ c: Int) -> Double

        var bytes: [UInt8] {
            let header = Self.big(width) + Self.big(height) + [UInt8(bits), kind.rawValue, 0, 0, 0]
            let palette = (0..<256).flatMap { [UInt8($0), UInt8($0), UInt8($0)] }
            return [0x89] + Array("PNG\r\n\u{1A}\n".utf8) + Self.chunk("IHDR", header)
                + (kind == .palette ? Self.chunk("PLTE", palette) : [])
                + Self.chunk("IDAT", Self.stored(rows)) + Self.chunk("IEND", [])
        }

        private var rows: [UInt8] {
            (0..<height).flatMap { y in
                [0]
                    + (0..<width).flatMap { x in
                        (0..<kind.samples).flatMap { c -> [UInt8] in
                            // 16 bits repeat the byte, so that both depths mean the same.
                            let byte = UInt8(255 * value(x, y, c))
                            return bits == 16 ? [byte, byte] : [byte]
                        }
                    }
            }
        }

        /// A zlib stream of one stored block.
        private static func stored(_ bytes: [UInt8]) -> [UInt8] {
            var sums: (a: Int, b: Int) = (1, 0)
            for byte in bytes {
                sums.a = (sums.a + Int(byte)) % 65521
                sums.b = (sums.b + sums.a) % 65521
            }
            let count = bytes.count
            let lengths = [count & 255, count >> 8, ~count & 255, ~count >> 8 & 255].map { UInt8($0) }
            return [0x78, 0x01, 1] + lengths + bytes + big(sums.b << 16 | sums.a)
        }

        static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
            let body = Array(name.utf8) + data
            var crc: UInt32 = .max
            for byte in body {
                crc ^= UInt32(byte)
                for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
            }
            return big(data.count) + body + big(Int(~crc))
        }

        static func big(_ number: Int) -> [UInt8] {
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
        }
    }
#endif
