/// Which pixels make up each pixel's patch, and the way back from patches to a picture or a clip.
///
/// A patch is the square of `side`² pixels around a pixel, in its own frame. Beyond a border the picture goes on as its
/// mirror image, the border pixel itself not repeated: … 2 1 | 0 1 2 …
struct Patches: Sendable {
    let side: Int
    let channels: Int
    /// 1 for a picture.
    let frames: Int
    let height: Int
    let width: Int
    /// For each row that a patch may touch, from −`side`/2 on, the row of the picture that it mirrors.
    private let rows: [Int]
    private let columns: [Int]

    /// Values in a patch: `side`² · `channels`.
    var values: Int { side * side * channels }
    /// Pixels of all frames, and so patches.
    var count: Int { frames * height * width }
    /// `[frames, height, width]`, or `[height, width]` for a picture.
    private let positions: [Int]

    /// - Parameters:
    ///   - side: odd.
    ///   - shape: `[channels, height, width]` or `[channels, frames, height, width]`, none of them zero.
    init(side: Int, shape: [Int]) {
        self.side = side
        positions = Array(shape.dropFirst())
        channels = shape[0]
        frames = shape.count == 4 ? shape[1] : 1
        (height, width) = (shape[shape.count - 2], shape[shape.count - 1])
        rows = (-(side / 2)..<height + side / 2).map { [height] in mirrored($0, in: height) }
        columns = (-(side / 2)..<width + side / 2).map { [width] in mirrored($0, in: width) }
    }

    /// The patches of all pixels: `[side² · channels, height, width]`, or with the frames as second dimension.
    ///
    /// Value (dy · side + dx) · channels + c of the patch at (y, x) is channel c at (y + dy, x + dx), where dy
    /// and dx count from the patch's top left corner.
    func extracted(from picture: Tensor<Float>) throws -> Tensor<Float> {
        try picture.withUnsafeBufferPointer { pixels in
            try Tensor(shape: [values] + positions) { target in
                forEachRun { start, first, offset in
                    for x in 0..<width {
                        target.initializeElement(at: start + x, to: pixels[first + columns[offset + x]])
                    }
                }
            }
        }
    }

    /// The picture in which each pixel is the mean of all values that `patches` have for it, `side`² of
    /// them, or another number where mirrored pixels count more than once.
    ///
    /// - Parameter patches: as ``extracted(from:)`` gives them.
    func averaged(_ patches: Tensor<Float>) throws -> Tensor<Float> {
        var sums = [Double](repeating: 0, count: channels * count)
        patches.withUnsafeBufferPointer { estimates in
            forEachRun { start, first, offset in
                for x in 0..<width {
                    sums[first + columns[offset + x]] += Double(estimates[start + x])
                }
            }
        }
        let down = uses(of: rows, extent: height)
        let across = uses(of: columns, extent: width)
        return try Tensor(shape: [channels] + positions) { target in
            for (index, sum) in sums.enumerated() {
                let uses = down[index / width % height] * across[index % width]
                target.initializeElement(at: index, to: Float(sum / Double(uses)))
            }
        }
    }

    /// Calls `body` for each value of a patch and each row of each frame with where that value of that row of
    /// patches begins, where the picture's row begins that it is taken from, and where in ``columns`` its
    /// columns begin.
    private func forEachRun(_ body: (_ start: Int, _ first: Int, _ offset: Int) -> Void) {
        for value in 0..<values {
            let (place, channel) = value.quotientAndRemainder(dividingBy: channels)
            let (dy, dx) = place.quotientAndRemainder(dividingBy: side)
            for frame in 0..<frames {
                let (target, source) = (value * frames + frame, channel * frames + frame)
                for y in 0..<height {
                    body((target * height + y) * width, (source * height + rows[y + dy]) * width, dx)
                }
            }
        }
    }

    /// How often the patches touch each row, or column, of the picture.
    private func uses(of mirror: [Int], extent: Int) -> [Int] {
        var uses = [Int](repeating: 0, count: extent)
        for offset in 0..<side {
            for place in 0..<extent { uses[mirror[place + offset]] += 1 }
        }
        return uses
    }
}

/// The place within `0..<extent` that a mirror at both ends shows at `place`.
private func mirrored(_ place: Int, in extent: Int) -> Int {
    guard extent > 1 else { return 0 }
    let period = 2 * (extent - 1)
    let remainder = ((place % period) + period) % period
    return min(remainder, period - remainder)
}
