import NonLocalKernels
import SwiftOpenCL
import Testing

@testable import NonLocal

/// When `tile_pack.cl` says that float16 holds numbers worse than bfloat16 would, and what it makes of numbers.
@Suite(.needsDevice) struct TileMisfitTests {
    private static let (channels, positions) = (21, 19)

    /// A tensor in 16 bits as floats, scaled back, and whether it has misfits.
    private static func packed(
        _ session: OpenCLSession, _ precision: Precision = .float16, channels: Int = channels,
        positions: Int = positions, value: (Int, Int) -> Float
    ) throws -> (numbers: [Float], isMisfit: Bool) {
        let pack = try #require(try TilePackKernels(session.library, precision))
        let x = try Placed(session, channels: channels, positions: positions, .gaps) { value($2, $1) }
        let limits = try Buffer<Float>(session.context, copying: [0])
        let misfits = try Buffer<Float>(session.context, copying: [0])
        let target = try Buffer<Float>(session.context, count: GroupTile.packed(channels * positions))
        let launcher = session.launcher()
        _ = try pack.launch(
            launcher, x.view, channels: channels, positions: positions, groups: 1, to: target, limits: limits,
            misfits: misfits)
        try launcher.finish()
        let limit = try session.queue.read(limits)[0]
        let unit = Float(sign: .plus, exponent: -min(140 - Int(limit.bitPattern >> 23), 126), significand: 1)
        let numbers = try session.queue.read(target).flatMap { pair in
            [UInt16(truncatingIfNeeded: pair.bitPattern), UInt16(pair.bitPattern >> 16)].map { bits in
                unit
                    * (precision == .float16
                        ? Float(Float16(bitPattern: bits)) : Float(bitPattern: UInt32(bits) << 16))
            }
        }
        return (Array(numbers.prefix(channels * positions)), try session.queue.read(misfits) != [0])
    }

    private static func areRight(_ problem: WarpMisfitTests.Case, _ session: OpenCLSession) throws -> Bool {
        try packed(session, value: problem.value).isMisfit == problem.isMisfit
    }

    @Test(arguments: WarpMisfitTests.cases) func areFound(_ problem: WarpMisfitTests.Case) throws {
        #expect(try Self.areRight(problem, TestDevice.session()))
    }

    @Test(arguments: [
        ("largest > 0.0f && ", ""), ("&& largest < LEAST", ""), ("0x1p-17f", "0x1p-19f"),
        ("0x1p-17f", "0x1p-16f"), ("atomic_or(misfits, 1u)", ""),
        ("largest = fmax(largest, fabs(value))", "largest = fabs(value)"),
        ("fmax(largest, fabs(value))", "fmax(largest, value)"), ("watches &&", "!watches &&"),
    ]) func mistakesAreNoticed(_ text: String, _ replacement: String) throws {
        let session = try TestDevice.session(planting: replacement, for: text, in: .tilePack)
        #expect(try WarpMisfitTests.cases.contains { try !Self.areRight($0, session) })
    }

    /// Numbers of float32's whole range beside the largest, which rounding alone changes as long as they are within
    /// float16's from it.
    @Test(arguments: [1e30, 1e6, 1, 1e-30, 3e38, 0x1p-126] as [Float], [Precision.float16, .bfloat16])
    func keepsNumbers(_ size: Float, _ precision: Precision) throws {
        let factors: [Float] = [1, -1, 0.3, 0x1p-12, -0x1.8p-20, 0, -0.0]
        let numbers = try Self.packed(
            TestDevice.session(), precision, channels: 1, positions: factors.count
        ) { position, _ in size * factors[position] }.numbers
        for (factor, number) in zip(factors, numbers) {
            let expected = size * factor
            let error = (Double(number) - Double(expected)).magnitude
            #expect(error <= precision.rounding * Double(expected.magnitude) + Tolerances.denormal)
        }
    }

    /// They are none of the largest's business, nor is it theirs.
    @Test(arguments: [Precision.float16, .bfloat16]) func keepsWhatIsNoNumber(_ precision: Precision) throws {
        let values: [Float] = [.infinity, 3, -.infinity, .nan]
        let (numbers, isMisfit) = try Self.packed(
            TestDevice.session(), precision, channels: 1, positions: values.count
        ) { position, _ in values[position] }
        #expect(numbers[..<3] == values[..<3] && numbers[3].isNaN && !isMisfit)
    }
}
