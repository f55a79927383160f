import NonLocal

/// Pictures of one size and kind, the frames of a clip; or one picture.
struct Clip {
    let frames: [Picture]

    var width: Int { frames[0].width }
    var height: Int { frames[0].height }
    var colours: Int { frames[0].colours }

    /// Reads PNG files.
    ///
    /// - Parameter paths: one at least.
    /// - Throws: ``Failure`` if one can't be read, or differs in size or kind from the first; alpha may differ.
    init(png paths: [String]) throws {
        frames = try paths.map { try Picture(png: $0) }
        for (path, frame) in zip(paths, frames)
        where (frame.width, frame.height, frame.colours) != (width, height, colours) {
            throw Failure(
                "'\(path)' is \(frame.summary), '\(paths[0])' is \(frames[0].summary)",
                advice: "The frames of a clip have one size, and are all grey or all in colour.")
        }
    }

    private init(frames: [Picture]) { self.frames = frames }

    /// The grey levels of the colours, `[colours, height, width]` for one picture, else
    /// `[colours, frames, height, width]`; without alpha.
    func levels() throws -> Tensor<Float> {
        let planes = try frames.map { try $0.levels() }
        guard frames.count > 1 else { return planes[0] }
        let size = width * height
        return try Tensor(shape: [colours, frames.count, height, width]) { target in
            for (index, plane) in planes.enumerated() {
                plane.withUnsafeBufferPointer { plane in
                    for colour in 0..<colours {
                        _ = target[((colour * frames.count + index) * size)...].initialize(
                            from: plane[colour * size..<(colour + 1) * size])
                    }
                }
            }
        }
    }

    /// The same frames with other colours, rounded and clipped, and the same alpha.
    ///
    /// - Parameter levels: as ``levels()`` gives them.
    func withLevels(_ levels: Tensor<Float>) throws -> Clip {
        let size = width * height
        return Clip(
            frames: try frames.indices.map { index in
                let plane = try levels.withUnsafeBufferPointer { levels in
                    try Tensor<Float>(shape: [colours, height, width]) { target in
                        for colour in 0..<colours {
                            let first = (colour * frames.count + index) * size
                            _ = target[(colour * size)...].initialize(from: levels[first..<first + size])
                        }
                    }
                }
                return frames[index].withLevels(plane)
            })
    }

    /// Writes the frames as PNG files.
    ///
    /// - Parameter paths: one for each frame.
    func write(png paths: [String]) throws {
        for (path, frame) in zip(paths, frames) { try frame.write(png: path) }
    }

    /// Such as `128×128 RGB` or `8 frames of 256×144 RGB`.
    var summary: String {
        frames.count == 1 ? frames[0].summary : "\(frames.count) frames of \(frames[0].summary)"
    }
}
