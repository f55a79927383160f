import Testing

@testable import SwiftOpenCL

@Suite struct DeviceSelectorTests {
    private static let platforms = [
        Platform(
            id: Identifier(pointer: pointer(1)), name: "Portable Computing Language", vendor: "", version: ""),
        Platform(id: Identifier(pointer: pointer(2)), name: "NVIDIA CUDA", vendor: "", version: ""),
    ]

    /// A CPU, then two GPUs and an accelerator that exist only here.
    private static let devices = [
        Device(
            id: Identifier(pointer: pointer(16)), platform: platforms[0], name: "pthread-EPYC", type: .cpu),
        Device(id: Identifier(pointer: pointer(32)), platform: platforms[1], name: "NVIDIA H200", type: .gpu),
        Device(id: Identifier(pointer: pointer(48)), platform: platforms[1], name: "NVIDIA L4", type: .gpu),
        Device(
            id: Identifier(pointer: pointer(64)), platform: platforms[1], name: "Board", type: .accelerator),
    ]

    private static func pointer(_ address: Int) -> OpaquePointer {
        guard let pointer = OpaquePointer(bitPattern: address) else { preconditionFailure("address 0") }
        return pointer
    }

    @Test(arguments: [
        ("", DeviceSelector.automatic), ("automatic", .automatic), ("GPU", .gpu), (" cpu\n", .cpu),
        ("3", .index(3)), ("-1", .index(-1)), ("H200", .named("H200")), ("RTX 3090", .named("RTX 3090")),
    ])
    func readsText(_ text: String, _ selector: DeviceSelector) {
        #expect(DeviceSelector(text) == selector)
        #expect(DeviceSelector(selector.description) == selector)
    }

    @Test(arguments: [
        (DeviceSelector.automatic, 1), (.gpu, 1), (.cpu, 0), (.index(2), 2), (.named("h200"), 1),
        (.named("l4"), 2), (.named("portable"), 0), (.named("nvidia cuda"), 1), (.named("boa"), 3),
    ])
    func selects(_ selector: DeviceSelector, _ index: Int) throws {
        #expect(try selector.select(from: Self.devices, environment: [:]) == Self.devices[index])
    }

    @Test func automaticPrefersAcceleratorsToProcessors() throws {
        let some = [Self.devices[0], Self.devices[3]]
        #expect(try DeviceSelector.automatic.select(from: some, environment: [:]) == some[1])
        #expect(try DeviceSelector.automatic.select(from: [some[0]], environment: [:]) == some[0])
    }

    @Test func automaticPassesOverUnavailableDevices() throws {
        var devices = Self.devices
        devices[1].isAvailable = false
        #expect(try DeviceSelector.automatic.select(from: devices, environment: [:]) == devices[2])
        #expect(try DeviceSelector.index(1).select(from: devices, environment: [:]) == devices[1])
    }

    @Test(arguments: [("", 1), ("automatic", 1), ("cpu", 0), ("2", 2), ("l4", 2)])
    func automaticFollowsTheEnvironment(_ text: String, _ index: Int) throws {
        let environment = [DeviceSelector.environmentVariable: text]
        let device = try DeviceSelector.automatic.select(from: Self.devices, environment: environment)
        #expect(device == Self.devices[index])
    }

    @Test func onlyAutomaticFollowsTheEnvironment() throws {
        let environment = [DeviceSelector.environmentVariable: "cpu"]
        #expect(
            try DeviceSelector.gpu.select(from: Self.devices, environment: environment) == Self.devices[1])
    }

    @Test(arguments: [DeviceSelector.index(4), .index(-1), .named("A100"), .named("")])
    func listsWhatThereIsIfNothingMatches(_ selector: DeviceSelector) throws {
        let error = try failure { _ = try selector.select(from: Self.devices, environment: [:]) }
        #expect(error.reason == .noMatch)
        #expect(error.description.hasPrefix("no OpenCL device matches '\(selector)'; there are\n"))
        #expect(error.description.contains("0: pthread-EPYC (Portable Computing Language)\n1: NVIDIA H200"))
        #expect(error.description.hasSuffix("gpu or cpu."))
    }

    @Test func namesTheEnvironmentVariableThatDidNotMatch() throws {
        let environment = [DeviceSelector.environmentVariable: "A100"]
        let error = try failure {
            _ = try DeviceSelector.automatic.select(from: Self.devices, environment: environment)
        }
        #expect(error.reason == .noMatch)
        #expect(error.description.contains("'A100' (from NONLOCAL_DEVICE)"))
    }

    @Test(arguments: [DeviceSelector.automatic, .gpu, .index(0), .named("x")])
    func saysWhatToInstallIfThereIsNothing(_ selector: DeviceSelector) throws {
        let error = try failure { _ = try selector.select(from: [], environment: [:]) }
        #expect(error.reason == .noDevice)
        #expect(error.description.contains("apt install pocl-opencl-icd"))
    }
}
