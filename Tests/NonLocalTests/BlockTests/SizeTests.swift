import Testing

@testable import NonLocal

/// Sizes around the kernels' tiles, primes, and widths from 1 to 2048.
@Suite(.needsDevice) struct SizeTests {
    /// Positions around the staged kernels' 8 and 64, and the panel kernels' 16 positions and 96 keys.
    static let lengths = [1, 2, 7, 8, 9, 15, 16, 17, 31, 63, 64, 65, 95, 96, 97, 127]

    @Test(arguments: PairwiseFormTests.named, lengths)
    func sequences(_ pairwise: Pairwise, _ length: Int) throws {
        for batch in 1...3 { try BlockCase([batch, 2, length]) { $0.pairwise = pairwise }.check() }
    }

    static let grids = [
        [1, 3, 1, 1], [2, 3, 1, 7], [1, 3, 7, 1], [3, 3, 2, 2], [1, 2, 8, 8], [1, 2, 5, 13], [1, 2, 11, 7],
        [2, 3, 1, 1, 1], [1, 3, 1, 7, 1], [1, 3, 7, 1, 1], [1, 2, 2, 2, 2], [2, 2, 3, 5, 7], [1, 2, 4, 4, 4],
    ]

    @Test(arguments: PairwiseFormTests.named, grids)
    func overGrids(_ pairwise: Pairwise, _ shape: [Int]) throws {
        try BlockCase(shape) { $0.pairwise = pairwise }.check()
    }

    @Test(arguments: PairwiseFormTests.named, [1, 2, 7, 8, 9, 17, 31])
    func channels(_ pairwise: Pairwise, _ channels: Int) throws {
        for (inner, value) in [(1, 1), (channels, 2), (3, channels), (7, 9)] {
            try BlockCase([2, channels, 5], inner: inner, value: value) { $0.pairwise = pairwise }.check()
        }
    }

    /// (d, d_v), with so few channels and positions that the reference stays fast.
    static let widths = [
        (1, 1), (1, 2), (2, 1), (7, 9), (63, 65), (64, 64), (65, 1), (127, 129), (128, 64), (255, 31),
        (257, 512), (511, 513), (512, 512), (768, 40), (1024, 512), (1024, 1024), (1025, 3), (2047, 1),
        (1, 2048), (2048, 1024), (2048, 2048),
    ]

    @Test(arguments: [.embeddedGaussian, .dotProduct, .concatenation, distance] as [Pairwise], widths)
    func overWidths(_ pairwise: Pairwise, _ width: (inner: Int, value: Int)) throws {
        try BlockCase([1, 3, 5], inner: width.inner, value: width.value) { $0.pairwise = pairwise }.check()
    }

    static let distance = Pairwise.generic(.negativeSquaredDistance, weight: .score, normalizer: .softmax)

    /// The Gaussian form compares all C channels.
    @Test(arguments: [(63, 1), (65, 64), (512, 7), (1024, 33), (2048, 16)])
    func gaussianWidths(_ channels: Int, _ value: Int) throws {
        try BlockCase([1, channels, 3], deviation: 1 / Double(channels).squareRoot(), value: value) {
            $0.pairwise = .gaussian
        }.check()
    }

    /// As the latent-diffusion blocks have it: d = d_v = C under a group norm, scale 1/√C.
    @Test(arguments: [128, 256])
    func latentDiffusion(_ channels: Int) throws {
        try BlockCase([1, channels, 2, 2], normGroups: 32, inner: channels) { $0.scale = .inverseSquareRoot }
            .check()
    }
}
