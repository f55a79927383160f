import Testing

@testable import SwiftOpenCL

@Suite struct DeviceTests {
    @Test(.needsDevice) func listsDevicesWithPlausibleProperties() throws {
        let devices = try Device.all()
        try #require(!devices.isEmpty, "no OpenCL device: apt install pocl-opencl-icd")
        for device in devices {
            #expect(!device.name.isEmpty)
            #expect(!device.platform.name.isEmpty)
            #expect(!device.vendor.isEmpty)
            #expect(!device.driverVersion.isEmpty)
            #expect(device.version.hasPrefix("OpenCL "))
            #expect(device.openCLCVersion.hasPrefix("OpenCL C "))
            #expect(device.computeUnits >= 1)
            #expect(device.globalMemory >= 1 << 24)
            #expect(device.maxAllocation >= 1 << 20 && device.maxAllocation <= device.globalMemory)
            #expect(device.localMemory >= 1 << 14)
            #expect(device.maxWorkGroupSize >= 1)
            #expect(device.maxWorkItemSizes.count >= 3)
            #expect(device.baseAddressAlignment >= 16 && device.baseAddressAlignment <= 1 << 16)
            #expect(!device.extensions.isEmpty)
            #expect(
                (device.computeCapability != nil)
                    == device.extensions.contains("cl_nv_device_attribute_query"))
            #expect(device.supportsHalf == device.extensions.contains("cl_khr_fp16"))
        }
        #expect(Set(devices).count == devices.count)
        #expect(try Device.all() == devices, "the numbers of devices must be stable")
    }

    @Test(.needsDevice) func platformsListTheSameDevices() throws {
        let fromPlatforms = try Platform.all().flatMap { try $0.devices() }
        #expect(!fromPlatforms.isEmpty)
        #expect(try Device.all() == fromPlatforms)
    }

    @Test(.needsDevice) func automaticFindsADevice() throws {
        let device = try DeviceSelector.automatic.device()
        #expect(try Device.all().contains(device))
    }

    @Test func aBrokenOneDoesNotHideTheOthers() throws {
        let broken = OpenCLError(code: -33, call: "clGetDeviceInfo")
        let kept = try survivors(of: [1, 2, 3]) { (number) throws(OpenCLError) in
            if number == 2 { throw broken }
            return number * 10
        }
        #expect(kept == [10, 30])
        let none = try survivors(of: [Int]()) { (number) throws(OpenCLError) in number }
        #expect(none.isEmpty)
        let error = try failure {
            _ = try survivors(of: [1, 2]) { (_) throws(OpenCLError) -> Int in throw broken }
        }
        #expect(error == broken)
    }

    @Test func typesFollowTheBits() {
        #expect(DeviceType(2) == .cpu)
        #expect(DeviceType(4) == .gpu)
        #expect(DeviceType(8) == .accelerator)
        #expect(DeviceType(16) == .other)
        #expect(DeviceType(1 | 4) == .gpu, "the default device keeps its kind")
    }

    @Test func computeCapabilitiesCompare() {
        #expect(ComputeCapability(major: 8, minor: 9) < ComputeCapability(major: 9, minor: 0))
        #expect(ComputeCapability(major: 9, minor: 0).description == "9.0")
    }
}
