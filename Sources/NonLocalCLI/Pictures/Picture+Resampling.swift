extension Picture {
    /// The colours at another size, each the mean of the pixels that it covers; without alpha.
    ///
    /// - Returns: rows from the top.
    func resampled(width: Int, height: Int) -> [Colour] {
        let across = Self.shares(of: self.width, in: width)
        let down = Self.shares(of: self.height, in: height)
        var rows = [Colour](repeating: .black, count: self.height * width)
        for y in 0..<self.height {
            for (x, shares) in across.enumerated() {
                for (pixel, share) in shares { rows[y * width + x] += colour(x: pixel, y: y) * share }
            }
        }
        var result = [Colour](repeating: .black, count: height * width)
        for (y, shares) in down.enumerated() {
            for (row, share) in shares {
                for x in 0..<width { result[y * width + x] += rows[row * width + x] * share }
            }
        }
        return result
    }

    private func colour(x: Int, y: Int) -> Colour {
        let first = (y * width + x) * channels
        let red = Float(bytes[first])
        return colours == 1
            ? Colour(red, red, red) : Colour(red, Float(bytes[first + 1]), Float(bytes[first + 2]))
    }

    /// For each of `count` equal parts of a row of pixels, which pixels it covers and in what shares.
    private static func shares(of pixels: Int, in count: Int) -> [[(pixel: Int, share: Float)]] {
        let step = Double(pixels) / Double(count)
        return (0..<count).map { part in
            let (start, end) = (Double(part) * step, Double(part + 1) * step)
            let covered = Int(start)..<min(pixels, max(Int(start) + 1, Int(end.rounded(.up))))
            return covered.map { pixel in
                let length = min(end, Double(pixel + 1)) - max(start, Double(pixel))
                return (pixel, Float(max(length, 0) / step))
            }
        }
    }
}
