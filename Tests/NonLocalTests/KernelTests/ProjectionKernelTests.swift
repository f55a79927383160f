import SwiftOpenCL
import Testing

@testable import NonLocal

/// `projection.cl` by itself: y = weight · x + bias, and with a residual.
@Suite(.needsDevice) struct ProjectionKernelTests {
    private let session: OpenCLSession

    init() throws { session = try TestDevice.session() }

    struct Sizes: CustomTestStringConvertible, Sendable {
        let inputs, outputs, positions, items: Int

        init(_ inputs: Int, _ outputs: Int, _ positions: Int, items: Int = 1) {
            (self.inputs, self.outputs, self.positions, self.items) = (inputs, outputs, positions, items)
        }

        var testDescription: String { "\(inputs) → \(outputs) channels, \(items) × \(positions) positions" }
    }

    /// Around the work-group of 64 positions, the 8 rows of a work-item and the chunk of 64 terms.
    static let sizes = [
        Sizes(1, 1, 1), Sizes(2, 1, 2), Sizes(1, 2, 7, items: 3), Sizes(7, 7, 8), Sizes(8, 8, 9, items: 2),
        Sizes(9, 9, 63), Sizes(63, 15, 64), Sizes(64, 16, 65), Sizes(65, 17, 3, items: 2),
        Sizes(127, 5, 127), Sizes(129, 31, 13), Sizes(2048, 3, 2), Sizes(3, 1024, 2),
    ]

    @Test(arguments: sizes, Arrangement.allCases)
    func matches(_ sizes: Sizes, _ arrangement: Arrangement) throws {
        try check(sizes, arrangement, residual: false)
        try check(sizes, arrangement, residual: true)
    }

    private func check(_ sizes: Sizes, _ arrangement: Arrangement, residual: Bool) throws {
        let (inputs, outputs, positions) = (sizes.inputs, sizes.outputs, sizes.positions)
        let map = Linear(
            outputs: outputs, inputs: inputs,
            weight: (0..<outputs * inputs).map { Double(noise(1, $0)) },
            bias: (0..<outputs).map { Double(noise(2, $0)) })
        func input(_ item: Int, _ channel: Int, _ position: Int) -> Float {
            noise(3, item, channel, position)
        }
        func skip(_ item: Int, _ channel: Int, _ position: Int) -> Float { noise(4, item, channel, position) }
        let x = try Placed(
            session, items: sizes.items, channels: inputs, positions: positions, arrangement, value: input)
        let added = try Placed(
            session, items: sizes.items, channels: outputs, positions: positions, arrangement, value: skip)
        let y = try Placed(session, items: sizes.items, channels: outputs, positions: positions, arrangement)

        let launcher = Launcher(session.queue)
        try ProjectionKernel(session.library).launch(
            launcher, try DeviceLinear(map, in: session.context), from: x.view,
            residual: residual ? added.view : nil, to: y.view, positions: positions, items: sizes.items)
        try launcher.finish()

        var expected: [Double] = []
        for item in 0..<sizes.items {
            let result = ReferenceStages.project(
                Field(channels: inputs, positions: positions) { Double(input(item, $0, $1)) }, by: map)
            for channel in 0..<outputs {
                for position in 0..<positions {
                    let skip = residual ? Double(skip(item, channel, position)) : 0
                    expected.append(result[channel, position] + skip)
                }
            }
        }
        expectClose(try y.read(session), expected, "residual \(residual)") { _ in
            Tolerances.sum(of: inputs, magnitude: Double(inputs) / 2 + 2)
        }
    }

    @Test func keepsExtremes() throws {
        let values: [Float] = [0, -0.0, 3e38, -3e38, 0x1p-149, -1e-38, .infinity, .nan]
        let map = Linear(outputs: 1, inputs: 1, weight: [1], bias: [-0.0])
        let x = try Placed(session, channels: 1, positions: values.count) { values[$2] }
        let y = try Placed(session, channels: 1, positions: values.count)
        let launcher = Launcher(session.queue)
        try ProjectionKernel(session.library).launch(
            launcher, try DeviceLinear(map, in: session.context), from: x.view, to: y.view,
            positions: values.count, items: 1)
        try launcher.finish()
        expectClose(try y.read(session), values.map(Double.init)) { _ in Tolerances.denormal }
    }
}
