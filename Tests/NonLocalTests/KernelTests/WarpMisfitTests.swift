import NonLocalKernels
import SwiftOpenCL
import Testing

@testable import NonLocal

/// When `warp_pack.cl` says that float16 holds numbers worse than bfloat16 would.
@Suite(.needsDevice) struct WarpMisfitTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        /// Of a row and a term.
        let value: @Sendable (Int, Int) -> Float
        let isMisfit: Bool

        init(_ description: String, isMisfit: Bool, _ value: @escaping @Sendable (Int, Int) -> Float) {
            (testDescription, self.value, self.isMisfit) = (description, value, isMisfit)
        }
    }

    private static let (rows, terms) = (19, 21)

    /// The largest number is 1, which becomes 2¹³, and 2⁻³⁰ is as small as may be.
    static let cases = [
        Case("all alike", isMisfit: false) { _, _ in 1 },
        Case("zeros beside ones", isMisfit: false) { row, _ in row == 0 ? 1 : 0 },
        Case("zeros alone", isMisfit: false) { _, _ in 0 },
        Case("the smallest that fit", isMisfit: false) { row, _ in row < 2 ? 1 : -0x1p-30 },
        Case("a little smaller", isMisfit: true) { row, _ in row < 2 ? 1 : -0x1.fp-31 },
        Case("small ones beside large ones everywhere", isMisfit: false) { _, term in
            term % 2 == 0 ? 1 : 0x1p-60
        },
        Case("small ones in one place", isMisfit: true) { row, term in row == 18 && term > 15 ? 0x1p-60 : 1 },
    ]

    /// Whether misfits are found.
    private func isMisfit(_ problem: Case, _ session: OpenCLSession) throws -> Bool {
        let macros = WarpProduct.macros(.float16, usesPTX: false)
        let pack = try WarpPackKernels {
            try session.library.kernel(
                $0, of: KernelSource.warpProducts, defining: macros, isOptimized: false)
        }
        let (rows, terms) = (Self.rows, Self.terms)
        let x = try Placed(session, channels: terms, positions: rows) { problem.value($2, $1) }
        let limits = try Buffer<Float>(session.context, copying: [0])
        let misfits = try Buffer<Float>(session.context, copying: [0])
        let launcher = session.launcher()
        try pack.launch(launcher, limitOf: x.view, channels: terms, positions: rows, groups: 1, to: limits)
        try pack.launch(
            launcher, x.view, channels: terms, positions: rows, groups: 1, limits: limits,
            to: WarpImage(
                buffer: Buffer(session.context, count: 4 * 128), rowTiles: 2, termTiles: 2, order: .byRows(1),
                side: .left), misfits: misfits)
        try launcher.finish()
        return try session.queue.read(misfits) != [0]
    }

    @Test(arguments: cases) func areFound(_ problem: Case) throws {
        #expect(try isMisfit(problem, TestDevice.session()) == problem.isMisfit)
    }

    @Test(arguments: [
        ("largest > 0.0f && ", ""), ("&& largest < LEAST", ""), ("0x1p-17f", "0x1p-19f"),
        ("0x1p-17f", "0x1p-16f"),
        ("atomic_or(misfits, 1u)", ""),
        ("largest = fmax(largest, fabs(number[i]))", "largest = fabs(number[i])"),
        ("fmax(largest, fabs(number[i]))", "fmax(largest, number[i])"), ("watches &&", "!watches &&"),
    ]) func mistakesAreNoticed(_ text: String, _ replacement: String) throws {
        let session = try TestDevice.session(planting: replacement, for: text, in: .warpPack)
        #expect(try Self.cases.contains { try isMisfit($0, session) != $0.isMisfit })
    }
}
