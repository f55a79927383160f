import Foundation
import NonLocal

/// A picture of 8 bits a channel in memory: grey or colour, with or without alpha.
struct Picture {
    let width: Int
    let height: Int
    /// 1 for grey, 3 for red, green and blue.
    let colours: Int
    let hasAlpha: Bool
    /// Rows from the top, pixels from the left, channels side by side, alpha last and not multiplied in.
    private(set) var bytes: [UInt8]

    var channels: Int { colours + (hasAlpha ? 1 : 0) }

    init(width: Int, height: Int, colours: Int, hasAlpha: Bool, bytes: [UInt8]) {
        self.width = width
        self.height = height
        self.colours = colours
        self.hasAlpha = hasAlpha
        self.bytes = bytes
    }

    /// The grey levels of the colours, `[colours, height, width]`, 0…255; without alpha.
    func levels() throws -> Tensor<Float> {
        try Tensor(shape: [colours, height, width]) { target in
            for colour in 0..<colours {
                for pixel in 0..<width * height {
                    target.initializeElement(
                        at: colour * width * height + pixel, to: Float(bytes[pixel * channels + colour]))
                }
            }
        }
    }

    /// The picture with other colours, rounded and clipped, and the same alpha.
    ///
    /// - Parameter levels: `[colours, height, width]`
    func withLevels(_ levels: Tensor<Float>) -> Picture {
        var picture = self
        levels.withUnsafeBufferPointer { levels in
            for colour in 0..<colours {
                for pixel in 0..<width * height {
                    let level = levels[colour * width * height + pixel].rounded()
                    picture.bytes[pixel * channels + colour] = UInt8(min(max(level, 0), 255))
                }
            }
        }
        return picture
    }

    /// Such as `128×128 RGB`.
    var summary: String {
        "\(width)×\(height) \(colours == 1 ? "grey" : "RGB")\(hasAlpha ? " with alpha" : "")"
    }
}

#if !Pictures
    extension Picture {
        init(png path: String) throws { throw Self.unavailable }

        func write(png path: String) throws { throw Self.unavailable }

        /// Whether this build can read and write pictures.
        static func requireSupport() throws { throw unavailable }

        private static var unavailable: Failure {
            Failure(
                "built without pictures",
                advice:
                    "Install libpng-dev and build with: swift build -c release --traits Pictures --product nonlocal"
            )
        }
    }
#endif
