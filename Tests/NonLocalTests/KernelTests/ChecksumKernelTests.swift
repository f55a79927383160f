import SwiftOpenCL
import Testing

@testable import NonLocal

/// Sums over tensors by `checksum.cl` and `panel_checksum.cl`, against sums in double.
@Suite(.needsDevice) struct ChecksumKernelTests {
    /// Around a step, a part, a run and a tile.
    static let cases = [
        ChecksumCase(1, 1), ChecksumCase(7, 5, groups: 2, items: 2), ChecksumCase(8, 513),
        ChecksumCase(9, 17, items: 3), ChecksumCase(129, 70, items: 2), ChecksumCase(257, 3, groups: 2),
        ChecksumCase(2, 1024, groups: 2, items: 2), ChecksumCase(9, 1025, items: 3),
    ]

    /// Both forms, where the device has both.
    private func kernels(_ session: OpenCLSession) throws -> [ChecksumKernels] {
        let portable = try ChecksumKernels(session.library)
        guard session.device.type == .cpu else { return [portable] }
        return [portable, try ChecksumKernels(session.library, PanelTile(session.device))]
    }

    @Test(arguments: cases, Arrangement.allCases)
    func overChannels(_ problem: ChecksumCase, _ arrangement: Arrangement) throws {
        let session = try TestDevice.session()
        for kernels in try kernels(session) {
            for rows in 1...4 {
                for hasSquares in [true, false] {
                    expectRight(
                        try problem.overChannels(
                            kernels, arrangement, rows: rows, hasSquares: hasSquares, session))
                }
            }
        }
    }

    @Test(arguments: cases, Arrangement.allCases)
    func overPositions(_ problem: ChecksumCase, _ arrangement: Arrangement) throws {
        let session = try TestDevice.session()
        for kernels in try kernels(session) {
            expectRight(try problem.overPositions(kernels, arrangement, session))
        }
    }

    @Test(arguments: cases) func ofPackedTensors(_ problem: ChecksumCase) throws {
        let session = try TestDevice.session()
        guard session.device.type == .cpu else { return }
        for form in [View.Form.byRows, .byKeys] {
            for outcome in try problem.ofPacked(form, PanelTile(session.device), session) {
                expectRight(outcome)
            }
        }
    }

    private func expectRight(
        _ outcome: ChecksumCase.Outcome, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        expectClose(outcome.actual, outcome.expected, sourceLocation: sourceLocation) {
            outcome.tolerances[$0]
        }
    }
}
