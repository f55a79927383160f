import SwiftOpenCL
import Testing

@testable import NonLocal

/// `group_norm.cl` by itself.
@Suite(.needsDevice) struct GroupNormKernelsTests {
    private let session: OpenCLSession

    init() throws { session = try TestDevice.session() }

    struct Sizes: CustomTestStringConvertible, Sendable {
        let channels, groups, positions: Int
        var items = 1

        var testDescription: String { "\(channels) channels in \(groups) groups, \(items) × \(positions)" }
    }

    static let sizes = [
        Sizes(channels: 1, groups: 1, positions: 2), Sizes(channels: 2, groups: 1, positions: 1),
        Sizes(channels: 2, groups: 2, positions: 7, items: 3), Sizes(channels: 6, groups: 3, positions: 8),
        Sizes(channels: 7, groups: 1, positions: 9), Sizes(channels: 4, groups: 4, positions: 63),
        Sizes(channels: 4, groups: 2, positions: 64, items: 2), Sizes(channels: 9, groups: 3, positions: 65),
        Sizes(channels: 64, groups: 32, positions: 127), Sizes(channels: 130, groups: 2, positions: 3),
    ]

    @Test(arguments: sizes, Arrangement.allCases)
    func matches(_ sizes: Sizes, _ arrangement: Arrangement) throws {
        try check(sizes, arrangement, epsilon: 1e-6) { 3 * noise($0, $1, $2) }
    }

    /// A mean of a thousand deviations costs the digits that x itself does not have, no others.
    @Test(arguments: sizes)
    func keepsDigitsUnderALargeMean(_ sizes: Sizes) throws {
        try check(sizes, .packed, epsilon: 1e-5) { 1000 + noise($0, $1, $2) }
    }

    @Test(arguments: sizes)
    func equalValuesGiveTheShift(_ sizes: Sizes) throws {
        for value in [0, -0.0, 0.1, -1e4, 0x1p-133] as [Float] {
            try check(sizes, .packed, epsilon: 1e-6) { _, _, _ in value }
        }
    }

    @Test(arguments: [1e-15, 1e15] as [Float])
    func scalesFarFromOne(_ size: Float) throws {
        try check(Sizes(channels: 6, groups: 3, positions: 65), .packed, epsilon: 1e-37) {
            size * noise($0, $1, $2)
        }
    }

    private func check(
        _ sizes: Sizes, _ arrangement: Arrangement, epsilon: Double, value: (Int, Int, Int) -> Float
    ) throws {
        let (channels, positions, items) = (sizes.channels, sizes.positions, sizes.items)
        let norm = BlockWeights.GroupNorm(
            groups: sizes.groups,
            scale: try Tensor(shape: [channels], elements: (0..<channels).map { noise(1, $0) }),
            shift: try Tensor(shape: [channels], elements: (0..<channels).map { noise(2, $0) }),
            epsilon: epsilon)
        let x = try Placed(
            session, items: items, channels: channels, positions: positions, arrangement, value: value)
        let y = try Placed(session, items: items, channels: channels, positions: positions, arrangement)
        let moments = try Buffer<Float>(session.context, count: 2 * sizes.groups * items)
        let launcher = Launcher(session.queue)
        try GroupNormKernels(session.library, norm, channels: channels).launch(
            launcher, from: x.view, moments: moments, to: y.view, positions: positions, items: items)
        try launcher.finish()

        let expected = (0..<items).flatMap { item in
            ReferenceStages.groupNorm(
                Field(channels: channels, positions: positions) { Double(value(item, $0, $1)) }, norm
            ).values
        }
        let statistics = try session.queue.read(moments)
        expectClose(try y.read(session), expected) { index in
            let group = index / (channels / sizes.groups * positions)
            let (mean, inverse) = (Double(statistics[2 * group]), Double(statistics[2 * group + 1]))
            // The mean is known to a rounding, which 1/σ magnifies; the rest is a chain of a few operations.
            return Tolerance.rounding * (2 * mean.magnitude * inverse + 32) + Tolerances.denormal
        }
    }
}
