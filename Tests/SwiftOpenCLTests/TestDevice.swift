import Foundation
import SwiftOpenCL
import Testing

/// The device the tests run on: what `NONLOCAL_DEVICE` says, else the best there is.
///
/// Without one a test fails, unless `NONLOCAL_TESTS_WITHOUT_DEVICE=1` says that this is meant; then the tests
/// that carry ``Trait/needsDevice`` are skipped.
enum TestDevice {
    static let isWaived = ProcessInfo.processInfo.environment["NONLOCAL_TESTS_WITHOUT_DEVICE"] == "1"

    static func context() throws -> Context { try Context() }

    static func queue() throws -> Queue { try Queue(context: try context()) }
}

extension Trait where Self == ConditionTrait {
    /// Skips a test only where running without a device was asked for.
    static var needsDevice: Self {
        .disabled(if: TestDevice.isWaived, "NONLOCAL_TESTS_WITHOUT_DEVICE=1: no OpenCL device wanted")
    }
}

/// Runs `body`, which must throw an ``OpenCLError``, and returns it.
func failure(
    _ sourceLocation: SourceLocation = #_sourceLocation, of body: () throws -> Void
) throws -> OpenCLError {
    try #require(throws: OpenCLError.self, sourceLocation: sourceLocation, performing: body)
}
