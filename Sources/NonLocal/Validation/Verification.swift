public import SwiftOpenCL

/// Runs every kernel on a device and holds it against the reference: what to do with a device, or a driver,
/// that nobody has tried.
///
/// The problems are small, so that they also run under a kernel sanitizer in reasonable time.
public struct Verification: Sendable {
    /// What one problem gave.
    public struct Outcome: Sendable, Hashable {
        /// The kernel, or `block` and `operation` for the whole.
        public let family: String
        /// Sizes and options, in words.
        public let problem: String
        /// The largest error relative to the largest expected magnitude; none if it did not run.
        public let maxRelativeError: Double?
        /// The largest relative error that passes.
        public let tolerance: Double
        /// Whether the error is within the tolerance.
        public let passed: Bool
        /// Why it did not run, or where it went wrong.
        public let message: String?
        /// What it took, building its kernels included.
        public internal(set) var seconds = 0.0
    }

    private let device: Device
    private let kernels: KernelClass

    /// - Parameters:
    ///   - device: the device to verify.
    ///   - kernels: the class of kernels to verify beside the plain ones; the device's own without.
    public init(_ device: Device, kernels: KernelClass? = nil) {
        self.device = device
        self.kernels = kernels ?? KernelClass(device)
    }

    /// The families of problems that ``run(family:begin:_:)`` knows on this device, each once, in their order.
    ///
    /// - Throws: `OpenCLError` if the device can't be used at all.
    public func families() throws -> [String] {
        try problems().map(\.family).reduce(into: []) { names, name in
            if !names.contains(name) { names.append(name) }
        }
    }

    /// Runs all problems, or those of one family, one after another.
    ///
    /// - Parameters:
    ///   - family: one of ``families()``; all without.
    ///   - begin: is called with each problem's family and words before it runs, in which a driver may get stuck.
    ///   - report: is called with each outcome as it comes.
    /// - Throws: `OpenCLError` if the device can't be used at all.
    @discardableResult
    public func run(
        family: String? = nil, begin: (_ family: String, _ problem: String) -> Void = { _, _ in },
        _ report: (Outcome) -> Void = { _ in }
    ) throws -> [Outcome] {
        var outcomes: [Outcome] = []
        var problems = try problems()
        for index in problems.indices where family == nil || family == problems[index].family {
            // Problems share their programs, for which some drivers take minutes. What one that failed leaves behind in a
            // driver or a sanitizer must not meet the next.
            if outcomes.last?.passed == false { problems = try self.problems() }
            let problem = problems[index]
            begin(problem.family, problem.problem)
            let outcome = problem.outcome()
            outcomes.append(outcome)
            report(outcome)
        }
        return outcomes
    }

    /// All problems, in a context of their own.
    private func problems() throws -> [VerificationProblems.Problem] {
        VerificationProblems(session: try OpenCLSession(device), kernels: kernels).all
    }
}

/// The problems that a device is verified with, bound to a session.
struct VerificationProblems: Sendable {
    let session: OpenCLSession
    let kernels: KernelClass
    let panelTile: PanelTile

    /// - Parameter panelTile: what the panel kernels are verified with by themselves; the device's own without.
    init(session: OpenCLSession, kernels: KernelClass, panelTile: PanelTile? = nil) {
        self.session = session
        self.kernels = kernels
        self.panelTile = panelTile ?? PanelTile(session.device)
    }

    var all: [Problem] {
        kernelProblems + panelProblems + panelSumProblems + skippingProblems + sortedProblems + tileProblems
            + warpProblems
            + blockProblems + checksumProblems
            + operationProblems + orderProblems
    }

    /// A problem with what is expected and how it is computed on the device.
    struct Problem {
        let family: String
        let problem: String
        /// The largest relative error, and the tolerance.
        let compute: () throws -> (error: Double, tolerance: Double, message: String?)

        func outcome() -> Verification.Outcome {
            let start = ContinuousClock.now
            var outcome = verdict()
            outcome.seconds = start.duration(to: .now) / .seconds(1)
            return outcome
        }

        private func verdict() -> Verification.Outcome {
            do {
                let (error, tolerance, message) = try compute()
                return Verification.Outcome(
                    family: family, problem: problem, maxRelativeError: error, tolerance: tolerance,
                    passed: error <= tolerance, message: message)
            } catch let error as NonLocalError where error.mismatch != nil {
                return Verification.Outcome(
                    family: family, problem: problem, maxRelativeError: error.mismatch?.relativeError,
                    tolerance: error.mismatch?.tolerance ?? 0, passed: false, message: error.message)
            } catch {
                return Verification.Outcome(
                    family: family, problem: problem, maxRelativeError: nil, tolerance: 0, passed: false,
                    message: "\(error)")
            }
        }
    }
}
