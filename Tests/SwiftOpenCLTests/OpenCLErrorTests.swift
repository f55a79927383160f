import COpenCL
import Foundation
import Testing

@testable import SwiftOpenCL

@Suite struct OpenCLErrorTests {
    @Test func saysWhatFailedWhereAndWhy() {
        let error = OpenCLError(
            code: -11, call: "clBuildProgram(attention.cl)", device: "NVIDIA H200", detail: "options: none")
        let lines = error.description.split(separator: "\n").map(String.init)
        #expect(
            lines.first
                == "clBuildProgram(attention.cl) on 'NVIDIA H200' failed: CL_BUILD_PROGRAM_FAILURE (-11)")
        #expect(lines.dropFirst().first == "options: none")
        #expect(lines.last == error.advice)
        #expect(error.errorDescription == error.description)
        #expect(error.localizedDescription == error.description)
    }

    @Test func namesEveryCoreStatus() {
        let gaps = Set(-29 ... -20)
        for code in (-72 as Int32)...0 {
            #expect(OpenCLError.name(of: code).hasPrefix("CL_") != gaps.contains(Int(code)), "\(code)")
        }
        #expect(OpenCLError.name(of: -1001) == "CL_PLATFORM_NOT_FOUND_KHR")
        #expect(OpenCLError.name(of: 77) == "unknown status")
    }

    @Test(arguments: [
        (CL_INVALID_ARG_SIZE, "CL_INVALID_ARG_SIZE"), (CL_INVALID_KERNEL_NAME, "CL_INVALID_KERNEL_NAME"),
        (CL_OUT_OF_RESOURCES, "CL_OUT_OF_RESOURCES"), (CL_MAP_FAILURE, "CL_MAP_FAILURE"),
        (CL_KERNEL_ARG_INFO_NOT_AVAILABLE, "CL_KERNEL_ARG_INFO_NOT_AVAILABLE"),
        (CL_INVALID_DEVICE_PARTITION_COUNT, "CL_INVALID_DEVICE_PARTITION_COUNT"),
        (CL_INVALID_GLOBAL_WORK_SIZE, "CL_INVALID_GLOBAL_WORK_SIZE"),
    ])
    func namesAreTheHeadersOwn(_ code: Int32, _ name: String) {
        #expect(OpenCLError.name(of: code) == name)
    }
}
