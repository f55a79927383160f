/// Which pixels make up each pixel's patch, and the way back from patches to a picture.
///
/// A patch is the square of `side`² pixels around a pixel. Beyond a border the picture goes on as its
/// mirror image, the border pixel itself not repeated: … 2 1 | 0 1 2 …
struct Patches: Sendable {
    let side: Int
    let channels: Int
    let height: Int
    let width: Int
    /// For each row that a patch may touch, from −`side`/2 on, the row of the picture that it mirrors.
    private let rows: [Int]
    private let columns: [Int]

    /// Values in a patch: `side`² · `channels`.
    var values: Int { side * side * channels }
    /// Pixels, and so patches.
    var count: Int { height * width }

    /// - Parameters:
    ///   - side: odd.
    ///   - shape: `[channels, height, width]`, none of them zero.
    init(side: Int, shape: [Int]) {
        self.side = side
        (channels, height, width) = (shape[0], shape[1], shape[2])
        rows = (-(side / 2)..<height + side / 2).map { [height] in mirrored($0, in: height) }
        columns = (-(side / 2)..<width + side / 2).map { [width] in mirrored($0, in: width) }
    }

    /// The patches of all pixels: `[side² · channels, height, width]`.
    ///
    /// Value (dy · side + dx) · channels + c of the patch at (y, x) is channel c at (y + dy, x + dx), where dy
    /// and dx count from the patch's top left corner.
    func extracted(from picture: Tensor<Float>) throws -> Tensor<Float> {
        try picture.withUnsafeBufferPointer { pixels in
            try Tensor(shape: [values, height, width]) { target in
                forEachRun { value, plane, y, source in
                    let start = (value * height + y) * width
                    let first = (plane * height + source.row) * width
                    for x in 0..<width {
                        target.initializeElement(
                            at: start + x, to: pixels[first + columns[source.column + x]])
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
            forEachRun { value, plane, y, source in
                let start = (value * height + y) * width
                let first = (plane * height + source.row) * width
                for x in 0..<width {
                    sums[first + columns[source.column + x]] += Double(estimates[start + x])
                }
            }
        }
        let down = uses(of: rows, extent: height)
        let across = uses(of: columns, extent: width)
        return try Tensor(shape: [channels, height, width]) { target in
            for (index, sum) in sums.enumerated() {
                let uses = down[index / width % height] * across[index % width]
                target.initializeElement(at: index, to: Float(sum / Double(uses)))
            }
        }
    }

    /// Calls `body` for each value of a patch and each row of patches with the channel of that value, the
    /// picture's row, and where in ``columns`` the row of patches begins.
    private func forEachRun(
        _ body: (_ value: Int, _ plane: Int, _ y: Int, _ source: (row: Int, column: Int)) -> Void
    ) {
        for value in 0..<values {
            let (place, plane) = value.quotientAndRemainder(dividingBy: channels)
            let (dy, dx) = place.quotientAndRemainder(dividingBy: side)
            for y in 0..<height { body(value, plane, y, (rows[y + dy], dx)) }
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
