import ArgumentParser
import NonLocal
import SwiftOpenCL

struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Holds every kernel against the reference on a device.",
        discussion: """
            For a device or a driver that is new, or not trusted. Exits with 2 if anything fails.

            Example:
              nonlocal verify --device gpu
            """)

    @Option(
        help: """
            The OpenCL device: its number in `nonlocal devices`, part of its name, gpu or cpu. Without it, \
            what NONLOCAL_DEVICE says, else the best there is.
            """)
    var device: String?

    @Option(
        help:
            "Only this family of problems: a kernel's name, block or operation; another name has them listed."
    )
    var family: String?

    @Option(help: "The class of kernels to verify beside the plain ones; the device's own without.")
    var kernels: KernelClass?

    @Flag(help: "Print a JSON array to stdout, all else to stderr.")
    var json = false

    func run() throws {
        let device = try (device.map { DeviceSelector($0) } ?? .automatic).device()
        Console.note("verifying device '\(device.name)'")
        let verification = Verification(device, kernels: kernels)
        if let family {
            let known = try verification.families()
            guard known.contains(family) else {
                throw Failure(
                    "no problems of the family '\(family)'",
                    advice: "There are \(known.joined(separator: ", ")).")
            }
        }
        // A line each, begun before a driver may get stuck in it.
        let outcomes = try verification.run(family: family) { family, problem in
            Console.progress("\(family): \(problem) … ")
        } _: { outcome in
            Console.note("\(outcome.seconds.fixed(2)) s\(outcome.passed ? "" : ", failed")")
            if !outcome.passed { Console.note(outcome.failure) }
        }
        let failed = outcomes.count { !$0.passed }
        if json {
            Console.result(.array(outcomes.map(\.json)))
        } else {
            let families = Dictionary(grouping: outcomes, by: \.family).sorted { $0.key < $1.key }
            let heading = ["family", "passed", "largest error", "tolerance"]
            Console.result(Console.table([heading] + families.map { Self.row($0.key, $0.value) }))
        }
        guard failed == 0 else {
            throw Failure(
                "\(failed) of \(outcomes.count) problems failed on '\(device.name)'",
                advice: "Don't use this device, or only with --validate full.", status: ExitStatus.mismatch)
        }
    }

    /// A family's passed problems, and its error nearest to the tolerance.
    private static func row(_ family: String, _ outcomes: [Verification.Outcome]) -> [String] {
        let worst = outcomes.max { $0.strain < $1.strain }
        return [
            family, "\(outcomes.count(where: \.passed)) of \(outcomes.count)",
            worst?.maxRelativeError?.scientific ?? "–", worst?.tolerance.scientific ?? "–",
        ]
    }
}

extension Verification.Outcome {
    /// How near the error is to the tolerance.
    fileprivate var strain: Double {
        guard let maxRelativeError else { return .infinity }
        return maxRelativeError == 0 ? 0 : maxRelativeError / tolerance
    }

    fileprivate var failure: String {
        "failed: \(family), \(problem)\n"
            + "  largest relative error \(maxRelativeError?.scientific ?? "unknown"), tolerance \(tolerance.scientific)"
            + (message.map { "\n  \($0)" } ?? "")
    }

    fileprivate var json: JSON {
        .object([
            "family": .string(family),
            "problem": .string(problem),
            "max_rel_error": .number(maxRelativeError),
            "tolerance": .number(tolerance),
            "passed": .bool(passed),
            "message": .string(message),
            "seconds": .number(seconds),
        ])
    }
}
