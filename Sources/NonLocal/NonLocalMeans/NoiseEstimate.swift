extension NonLocalMeans {
    /// Estimates the standard deviation of Gaussian noise in a picture or a clip, in its own grey levels.
    ///
    /// The median magnitude of a Laplacian's response (Immerkær, "Fast Noise Variance Estimation", 1996,
    /// with the median of Donoho and Johnstone in place of the mean), taken where the picture is flattest
    /// and neither nearly black nor nearly white: edges would raise it, and clipping lowers it.
    /// Within 5 % for noise between 10 and 30 grey levels on a photograph of 128×128 pixels. A photograph's
    /// own grain and texture count as noise, which matters below 5 grey levels.
    ///
    /// - Parameter picture: `[channels, height, width]` or `[channels, frames, height, width]`, in grey levels
    ///   from 0 to 255.
    /// - Throws: ``NonLocalError/Code/shape`` if it has another number of dimensions or is smaller than 5×5.
    public static func estimatedNoise(in picture: Tensor<Float>) throws -> Double {
        let extents = picture.shape.suffix(2)
        guard (3...4).contains(picture.shape.count), picture.count > 0,
            extents.allSatisfy({ $0 >= window })
        else {
            throw NonLocalError(
                .shape, "the noise of a picture of shape \(picture.shape) can't be estimated",
                advice: "It takes [channels, height, width] of at least 5×5 pixels; else give sigma.")
        }
        let planes = picture.shape.dropLast(2).reduce(1, *)
        let responses = responses(of: try picture.reshaped([planes] + extents))
        guard var sigma = deviation(of: responses, within: 16...239) ?? deviation(of: responses, within: nil)
        else { return 0 }
        // Noise pushes pixels over the ends of the scale within some deviations of them.
        for _ in 0..<3 {
            let margin = min(max(2.5 * sigma, 16), 100)
            guard let refined = deviation(of: responses, within: margin...(255 - margin)) else { break }
            sigma = refined
        }
        return sigma
    }

    private static var window: Int { 5 }

    /// What is known about the 5×5 pixels around a position.
    private struct Response {
        var mean: Double
        /// The squared length of the slope from one half of the pixels to the other.
        var slope: Double
        /// The magnitude of the Laplacian; its deviation is that of the noise.
        var magnitude: Double
    }

    private static func responses(of picture: Tensor<Float>) -> [Response] {
        let (channels, height, width) = (picture.shape[0], picture.shape[1], picture.shape[2])
        var responses: [Response] = []
        responses.reserveCapacity(channels * (height - 4) * (width - 4))
        picture.withUnsafeBufferPointer { pixels in
            for channel in 0..<channels {
                for y in 0...height - window {
                    for x in 0...width - window {
                        let corner = (channel * height + y) * width + x
                        responses.append(response(at: corner, width, pixels))
                    }
                }
            }
        }
        return responses
    }

    private static func response(
        at corner: Int, _ width: Int, _ pixels: UnsafeBufferPointer<Float>
    ) -> Response {
        var total = 0.0
        var across = 0.0
        var down = 0.0
        var laplacian = 0.0
        for dy in 0..<window {
            for dx in 0..<window {
                let value = Double(pixels[corner + dy * width + dx])
                total += value
                across += value * Double((dx - 2).signum())
                down += value * Double((dy - 2).signum())
                laplacian += value * weight(dx) * weight(dy)
            }
        }
        return Response(
            mean: total / 25, slope: (across * across + down * down) / 100, magnitude: abs(laplacian) / 6)
    }

    /// 1, −2, 1 around the middle; both directions together have a sum of squares of 36.
    private static func weight(_ offset: Int) -> Double { offset == 2 ? -2 : abs(offset - 2) == 1 ? 1 : 0 }

    /// None if too few responses have a mean in the range.
    private static func deviation(of responses: [Response], within range: ClosedRange<Double>?) -> Double? {
        var kept = responses.filter { range?.contains($0.mean) ?? true }
        guard !kept.isEmpty, range == nil || kept.count >= 200 else { return nil }
        kept.sort { $0.slope < $1.slope }
        let flattest = kept.prefix((kept.count + 3) / 4).map(\.magnitude).sorted()
        // The median magnitude of a normal distribution is 0.6745 deviations.
        return flattest[flattest.count / 2] / 0.6744897501960817
    }
}
