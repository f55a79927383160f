#if compiler(>=6.2)
    import Foundation
    import SwiftOpenCL
    import Testing

    @Suite struct NoDriverTests {
        /// In a process of its own: the loader looks for drivers once.
        @Test func withoutDriversThereIsNothingAndAWayOut() async {
            await #expect(processExitsWith: .success) {
                setenv("OCL_ICD_VENDORS", "/nowhere", 1)
                #expect(try Platform.all().isEmpty)
                #expect(try Device.all().isEmpty)
                let error = try failure { _ = try Context() }
                #expect(error.reason == .noDevice)
                #expect(error.description.hasPrefix("no OpenCL device found\nInstall "))
            }
        }
    }
#endif
