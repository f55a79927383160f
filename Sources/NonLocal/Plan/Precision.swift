import SwiftOpenCL

/// What an accelerated run keeps the operands of its products in; sums are float32 always.
///
/// Attention maps are computed in float32 whatever the precision.
public enum Precision: String, Sendable, Hashable, CaseIterable {
    /// float32, or what comes to the same accuracy.
    case float32
    /// float16 where the numbers fit, else bfloat16; float32 where a device's kernels know neither.
    ///
    /// Each tensor is scaled by a power of two on its way, so that its largest number comes near the top of float16's
    /// range and none is beyond it. What may not fit are numbers that are 2³⁰ times smaller: where a part of a
    /// tensor has no others, bfloat16 would hold them better. The kernels look for these, and a run that met
    /// some is done again in bfloat16, in which the block or operation then stays. ``RunReport/precision`` has what
    /// a result was computed in.
    case mixed
    /// float16, scaled as for ``mixed``, whatever the numbers.
    case float16
    /// bfloat16: float32's range, and an eighth of float16's accuracy.
    case bfloat16
}

extension Precision {
    /// Half a unit in the last place of 1: what rounding an operand does, relative to it.
    var rounding: Double {
        switch self {
        case .float32: 0x1p-24
        case .mixed, .float16: 0x1p-11
        case .bfloat16: 0x1p-8
        }
    }

    /// What numbers are first kept in: float16 where others may fit better.
    var stored: Precision { self == .mixed ? .float16 : self }

    /// Those of the methods that keep operands as this wants it, or more exactly where that is allowed.
    ///
    /// - Throws: ``NonLocalError/Code/configuration`` if none does.
    func allowed(_ methods: [Method], on device: Device) throws(NonLocalError) -> [Method] {
        switch self {
        case .float32, .mixed: return methods
        case .float16, .bfloat16:
            let allowed = methods.filter { $0.precision == self }
            guard allowed.isEmpty else { return allowed }
            throw NonLocalError(
                .configuration,
                "the \(methods.first?.kernels.rawValue ?? "plain") kernels, which would compute this on "
                    + "'\(device.name)', know float32 only, not \(rawValue)",
                advice: "Use precision mixed, which takes what there is, or float32.")
        }
    }

    /// That a method keeps operands more exactly than was asked for, if so.
    func notes(on method: Method) -> [String] {
        self == .mixed && method.precision == .float32
            ? ["the \(method.kernels.rawValue) kernels compute in float32, which precision mixed allows"] : []
    }

    /// The CPU reference computes in double.
    func requireReference() throws(NonLocalError) {
        guard self == .float16 || self == .bfloat16 else { return }
        throw NonLocalError(
            .configuration, "the CPU reference computes in double, not in \(rawValue)",
            advice: "Use precision mixed or float32, or backend opencl.")
    }
}
