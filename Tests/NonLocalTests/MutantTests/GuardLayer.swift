import Foundation
import SwiftOpenCL
import Testing

@testable import NonLocal

/// The layer between OpenCL's loader and its drivers that `Scripts/guards` builds, as `OPENCL_LAYERS` has it: buffers
/// hold NaN where nobody has written, and margins around them show what was written beside them.
struct GuardLayer: Sendable {
    static let isThere = ProcessInfo.processInfo.environment["OPENCL_LAYERS"]?.contains("guard_layer") == true

    private let damage: @convention(c) @Sendable () -> Int

    init() throws {
        // The loader reads the layers at the first call.
        _ = try Platform.all()
        let path = ProcessInfo.processInfo.environment["OPENCL_LAYERS"] ?? ""
        let library = try #require(dlopen(path, RTLD_NOW | RTLD_NOLOAD), "the loader has not loaded \(path)")
        damage = unsafeBitCast(
            try #require(dlsym(library, "guard_damage"), "guard_damage is missing"),
            to: (@convention(c) @Sendable () -> Int).self)
    }

    /// How many buffers have been written beside since the last call, by commands that are done.
    func damagedBuffers() -> Int { damage() }
}
