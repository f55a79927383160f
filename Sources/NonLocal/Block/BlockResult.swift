/// What a run gives besides its result.
public struct RunReport: Sendable {
    /// What was compared with the reference, and how far it was off.
    public let validation: ValidationReport
    /// Wall-clock seconds, until the result was in host memory; validation not included.
    public let seconds: Double
    /// What was wrong with the device's first result, where the policy had another one made; none otherwise. The
    /// other numbers are then of the run that was kept.
    public internal(set) var recoveredFrom: Mismatch?
    private let work: DeviceWork?

    init(validation: ValidationReport, seconds: Double, work: DeviceWork?) {
        self.validation = validation
        self.seconds = seconds
        self.work = work
    }

    /// The kernels in the order they ran in; none for the reference.
    public var launches: [KernelLaunch]? { work?.launches }

    /// The share of key blocks that were computed, over all panels of queries; none where none may be left out.
    public var computedShare: Double? { work?.computedShare }

    /// What operands were kept in, never ``Precision/mixed``; none for the reference.
    public var precision: Precision? { work?.precision }

    /// The maps of the queries that were applied to the keys: those of ``Plan/absorbed``, or none where numbers came
    /// that only the formulas' own order holds.
    public var absorbed: String? { work?.method?.absorbed.names }

    /// Seconds that the kernels took on the device; none for the reference.
    public var deviceSeconds: Double? { launches?.reduce(0) { $0 + $1.seconds } }

    /// Seconds that each kernel took on the device in all its launches; empty for the reference.
    public var kernelSeconds: [String: Double] {
        Dictionary((launches ?? []).map { ($0.kernel, $0.seconds) }, uniquingKeysWith: +)
    }
}

/// What a run took of a device.
struct DeviceWork: Sendable {
    /// The kernels in the order they ran in.
    let launches: [KernelLaunch]
    /// The share of key blocks that were computed; none where none may be left out.
    let computedShare: Double?
    /// What operands were kept in.
    var precision = Precision.float32
    /// How a block was computed: by the plan's method or a roomier one.
    var method: Method?
    /// Whether it held all of them.
    var fits = true

    /// Seconds of the kernels that take sums and do nothing else.
    var checksumSeconds: Double {
        launches.reduce(0) { $0 + ($1.kernel.contains("checksum") ? $1.seconds : 0) }
    }
}

/// One run of a kernel on a device.
public struct KernelLaunch: Sendable, Hashable {
    /// The kernel's name in its source, such as `panel_attention`.
    public let kernel: String
    /// Seconds it took on the device.
    public let seconds: Double
}

/// A result with what was measured on the way.
public struct BlockResult: Sendable {
    /// z `[B, C, …]` in the shape of x, or `[B, C, n]` for n chosen queries (channels last: `[B, n, C]`).
    public let output: Tensor<Float>
    /// What was measured.
    public let report: RunReport

    /// What was compared with the reference, and how far it was off.
    public var validation: ValidationReport { report.validation }
    /// Wall-clock seconds, until the result was in host memory; validation not included.
    public var seconds: Double { report.seconds }
    /// Seconds that the kernels took on the device; none for the reference.
    public var deviceSeconds: Double? { report.deviceSeconds }
    /// Seconds that each kernel took on the device in all its launches; empty for the reference.
    public var kernelSeconds: [String: Double] { report.kernelSeconds }
    /// The share of key blocks that were computed, over all panels of queries; none where none may be left out.
    public var computedShare: Double? { report.computedShare }
    /// What operands were kept in, never ``Precision/mixed``; none for the reference.
    public var precision: Precision? { report.precision }
    /// The maps of the queries that were applied to the keys; see ``RunReport/absorbed``.
    public var absorbed: String? { report.absorbed }
}

extension MismatchPolicy {
    /// The result of a run, or of another one where its result is wrong and the policy wants that.
    ///
    /// - Parameters:
    ///   - run: throws ``NonLocalError/Code/mismatch`` for a wrong result.
    ///   - reference: computes it on the CPU.
    func result<Value>(
        of run: () throws -> (Value, RunReport), reference: () throws -> (Value, RunReport)
    ) throws -> (Value, RunReport) {
        do {
            return try run()
        } catch let error as NonLocalError where error.code == .mismatch && self != .fail {
            var (value, report) = self == .retry ? try run() : try reference()
            report.recoveredFrom = error.mismatch
            return (value, report)
        }
    }
}
