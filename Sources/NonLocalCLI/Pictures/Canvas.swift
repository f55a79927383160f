/// Red, green and blue, from 0 to 255, as a screen shows them.
typealias Colour = SIMD3<Float>

extension Colour {
    static let white = Colour(255, 255, 255)
    static let black = Colour(0, 0, 0)
    static let ink = Colour(40, 40, 40)

    /// How bright it looks (ITU-R BT.709).
    var luminance: Float { 0.2126 * x + 0.7152 * y + 0.0722 * z }

    func mixed(with other: Colour, _ share: Float) -> Colour { self + (other - self) * share }
}

/// A picture to draw on, white at first.
struct Canvas {
    let width: Int
    let height: Int
    private var pixels: [Colour]

    init(width: Int, height: Int) {
        self.width = width
        self.height = height
        pixels = Array(repeating: .white, count: width * height)
    }

    /// Mixes a colour into a pixel; nothing outside of the canvas.
    mutating func blend(_ colour: Colour, x: Int, y: Int, _ share: Float = 1) {
        guard (0..<width).contains(x), (0..<height).contains(y), share > 0 else { return }
        pixels[y * width + x] = pixels[y * width + x].mixed(with: colour, min(share, 1))
    }

    mutating func fill(x: Int, y: Int, width: Int, height: Int, _ colour: Colour, _ share: Float = 1) {
        for row in y..<y + height {
            for column in x..<x + width { blend(colour, x: column, y: row, share) }
        }
    }

    /// A frame of so many pixels around the inside of a rectangle.
    mutating func outline(
        x: Int, y: Int, width: Int, height: Int, thickness: Int = 1, _ colour: Colour
    ) {
        fill(x: x, y: y, width: width, height: thickness, colour)
        fill(x: x, y: y + height - thickness, width: width, height: thickness, colour)
        fill(x: x, y: y + thickness, width: thickness, height: height - 2 * thickness, colour)
        fill(
            x: x + width - thickness, y: y + thickness, width: thickness, height: height - 2 * thickness,
            colour)
    }

    /// Writes text in lines of its own height, `size` times 9 pixels; what is wider than `limit` is cut off.
    mutating func write(
        _ text: String, x: Int, y: Int, size: Int = 2, limit: Int = .max, _ colour: Colour = .ink
    ) {
        for (index, character) in text.enumerated() {
            let left = x + index * BitmapFont.advance * size
            guard left + BitmapFont.width * size - x <= limit else { return }
            for (row, bits) in BitmapFont.rows(of: character).enumerated() {
                for column in 0..<BitmapFont.width where bits >> (BitmapFont.width - 1 - column) & 1 == 1 {
                    fill(x: left + column * size, y: y + row * size, width: size, height: size, colour)
                }
            }
        }
    }

    func picture() -> Picture {
        Picture(
            width: width, height: height, colours: 3, hasAlpha: false,
            bytes: pixels.flatMap { pixel in
                (0..<3).map { UInt8(min(max(pixel[$0].rounded(), 0), 255)) }
            })
    }
}
