import Foundation
import NonLocalKernels
import SwiftOpenCL
import Testing

@testable import NonLocal

/// The device the tests run on: what `NONLOCAL_DEVICE` says, else the best there is.
///
/// Without one a test fails, unless `NONLOCAL_TESTS_WITHOUT_DEVICE=1` says that this is meant; then the tests
/// that carry ``Trait/needsDevice`` are skipped.
enum TestDevice {
    static let isWaived = ProcessInfo.processInfo.environment["NONLOCAL_TESTS_WITHOUT_DEVICE"] == "1"

    private static let shared = Result { try OpenCLSession(try DeviceSelector.automatic.device()) }

    /// One session for all tests, so that each program is built once.
    static func session() throws -> OpenCLSession { try shared.get() }

    /// A session of its own, with other texts in place of some kernels.
    static func session(overriding sources: [KernelSource: String]) throws -> OpenCLSession {
        try OpenCLSession(try session().device, overriding: sources)
    }

    /// A session with a mistake planted in one kernel's source, where that text has to occur.
    static func session(
        planting replacement: String, for text: String, in source: KernelSource
    ) throws -> OpenCLSession {
        let mutated = source.text.replacing(text, with: replacement)
        try #require(mutated != source.text, "'\(text)' does not occur in \(source.fileName)")
        return try session(overriding: [source: mutated])
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips a test only where running without a device was asked for.
    static var needsDevice: Self {
        .disabled(if: TestDevice.isWaived, "NONLOCAL_TESTS_WITHOUT_DEVICE=1: no OpenCL device wanted")
    }

    /// Skips a test on devices that have no sorted strategy, besides where ``needsDevice`` does.
    static var needsSorting: Self {
        .enabled("the sorted strategy runs on CPU devices with doubles") {
            guard !TestDevice.isWaived else { return false }
            let device = try TestDevice.session().device
            return device.type == .cpu && device.supportsDoubles
        }
    }
}
