import ArgumentParser
import NonLocal
import SwiftOpenCL

/// Where to run.
struct BackendOptions: ParsableArguments {
    enum Name: String, CaseIterable, ExpressibleByArgument {
        case automatic, opencl, cpu
    }

    @Option(
        help: """
            opencl, cpu (the reference), or automatic: OpenCL if a device is there, else the reference.
            """)
    var backend: Name = .automatic

    @Option(
        help: """
            The OpenCL device: its number in `nonlocal devices`, part of its name, gpu or cpu. Without it, \
            what NONLOCAL_DEVICE says, else the best there is.
            """)
    var device: String?

    @Option(
        help: """
            Leave out blocks of keys whose weights can't matter: auto where that is likely to pay, on, off. \
            Results differ by rounding alone.
            """)
    var skip: Skipping = .automatic

    @Option(help: "Bytes of device memory to stay under; by default a quarter of it, at most 1 GiB.")
    var memoryLimit: Int?

    @Option(
        name: .customLong("max-launch-ms"),
        help: ArgumentHelp(
            "About how long one launch may keep the device from other work, such as drawing the screen (default: "
                + "200).",
            valueName: "ms"))
    var mostLaunchMilliseconds: Double?

    @Flag(help: "Show no progress.")
    var quiet = false

    func validate() throws {
        if backend == .cpu, device != nil {
            throw ValidationError("--device names an OpenCL device, which --backend cpu does not use.")
        }
        if let memoryLimit, memoryLimit <= 0 {
            throw ValidationError("--memory-limit takes a positive number of bytes.")
        }
        if let mostLaunchMilliseconds, !(mostLaunchMilliseconds > 0) {
            throw ValidationError("--max-launch-ms takes a positive number.")
        }
    }

    /// Seconds that one launch may take.
    var launchSeconds: Double? { mostLaunchMilliseconds.map { $0 / 1e3 } }

    /// The OpenCL device meant, if one is used.
    var selector: DeviceSelector { device.map { DeviceSelector($0) } ?? .automatic }

    var choice: Backend {
        if device != nil { return .opencl(selector) }
        return switch backend {
        case .automatic: .automatic
        case .opencl: .opencl
        case .cpu: .cpu
        }
    }

    /// Says what was taken if that was left open, and what the plan has to tell.
    func announce(_ plan: Plan) {
        for note in plan.notes { Console.note(note) }
        guard backend == .automatic, device == nil else { return }
        let device = plan.device.map { "device '\($0)'" } ?? "no OpenCL device found"
        Console.note("backend \(plan.backend), \(device)")
    }
}

/// The share of key blocks that a run computed, in words for people.
func describe(computedShare share: Double?) -> String? {
    share.map { "\(($0 * 100).fixed(1)) % of the key blocks computed" }
}

/// How many rows of an OpenCL result are compared with the reference: none, some or all.
enum ValidationLevel: String, CaseIterable, ExpressibleByArgument {
    case off, sampled, full

    var validation: Validation {
        switch self {
        case .off: .off
        case .sampled: .sampled(rows: 8)
        case .full: .full
        }
    }
}

extension Absorption {
    static let help: ArgumentHelp = """
        Apply W_θ and W_z to the keys and not to the queries: auto where keys are few enough, on, off. Results \
        differ by rounding alone.
        """
}

extension Checksums {
    static let help: ArgumentHelp = "Compare sums over all rows of a float32 run with each other: on, off."
}

extension ValidationReport {
    /// In words, for people.
    var summary: String {
        let summed = sums > 0 ? "compared \(sums) sums over all rows" : nil
        guard rows > 0 else { return summed ?? "not validated" }
        let error = maxRelativeError.map { ", largest relative error \($0.scientific)" } ?? ""
        let limit = tolerance.map { " (tolerance \($0.scientific))" } ?? ""
        // Affinities so large are rounded to whole exponents, by any float32 program.
        let warning = (tolerance ?? 0) > 0.1 ? "; the affinities are too large for that to say much" : ""
        let stages = entries > 0 ? " and \(entries) numbers of φ and g" : ""
        return "validated \(rows) of \(rowsInAll) rows\(stages)\(error)\(limit)\(warning)"
            + (summed.map { "; \($0)" } ?? "")
    }
}
