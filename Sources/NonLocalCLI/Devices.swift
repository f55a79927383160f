import ArgumentParser
import NonLocal
import SwiftOpenCL

struct Devices: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists the OpenCL devices of this machine.",
        discussion: """
            The numbers are those that --device takes.

            Example:
              nonlocal devices --json
            """)

    @Flag(help: "Print a JSON array to stdout.")
    var json = false

    func run() throws {
        let devices = try Device.all()
        if json { Console.result(.array(devices.enumerated().map { $1.json(index: $0) })) }
        // Throws where there is none, and says what to do.
        _ = try DeviceSelector.index(0).select(from: devices)
        guard !json else { return }
        let heading = ["", "name", "platform", "type", "class", "units", "memory", "local", "features"]
        let rows = devices.enumerated().map { index, device in
            [
                "\(index)", device.name, device.platform.name, device.type.rawValue, device.className,
                "\(device.computeUnits)", "\((Double(device.globalMemory) / 0x1p30).fixed(1)) GiB",
                "\(device.localMemory / 1024) KiB",
                device.features.joined(separator: ", "),
            ]
        }
        Console.result(Console.table([heading] + rows))
    }
}

extension Device {
    /// The class of kernels that serves the device.
    fileprivate var className: String { KernelClass(self).rawValue }

    fileprivate var features: [String] {
        var features: [String] = []
        if supportsDoubles { features.append("fp64") }
        if supportsHalf { features.append("fp16") }
        if supportsSubGroups { features.append("sub-groups") }
        if hasUnifiedMemory { features.append("unified-memory") }
        if let computeCapability {
            features.append("compute-\(computeCapability.major).\(computeCapability.minor)")
        }
        if !isAvailable { features.append("unavailable") }
        return features
    }

    fileprivate func json(index: Int) -> JSON {
        .object([
            "index": .integer(index),
            "platform": .string(platform.name),
            "name": .string(name),
            "type": .string(type.rawValue),
            "vendor": .string(vendor),
            "driver": .string(driverVersion),
            "opencl_c": .string(openCLCVersion),
            "class": .string(className),
            "compute_units": .integer(computeUnits),
            "global_memory": .integer(globalMemory),
            "local_memory": .integer(localMemory),
            "work_group": .integer(maxWorkGroupSize),
            "features": .array(features.map { .string($0) }),
        ])
    }
}
