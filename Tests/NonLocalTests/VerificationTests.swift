import NonLocal
import SwiftOpenCL
import Testing

/// What `nonlocal verify` runs, on the device at hand.
@Suite(.needsDevice) struct VerificationTests {
    @Test func everyProblemPasses() throws {
        let outcomes = try Verification(DeviceSelector.automatic.device()).run()
        for outcome in outcomes {
            #expect(
                outcome.passed,
                "\(outcome.family): \(outcome.problem): \(outcome.maxRelativeError ?? .nan) > \(outcome.tolerance) \(outcome.message ?? "")"
            )
        }
        let plain: Set = [
            "projection", "gather", "max_pool", "group_norm", "affinity", "own_weight", "softmax",
            "normalize",
            "pairwise_weight", "aggregate", "block", "checksum", "operation",
        ]
        let isCPU = try DeviceSelector.automatic.device().type == .cpu
        #expect(
            Set(outcomes.map(\.family))
                == plain.union(
                    isCPU
                        ? [
                            "panel_pool", "panel_projection", "panel_attention", "panel_sums", "panel_order",
                            "panel_skip",
                            "panel_gram", "panel_transpose", "sort", "sorted_aggregate",
                        ] : []))
    }

    /// What a device with tensor cores is verified with, by their twin.
    @Test(arguments: ["warp_attention", "warp_product"])
    func warpProblemsPass(_ family: String) throws {
        let outcomes = try Verification(DeviceSelector.automatic.device(), kernels: .warp).run(family: family)
        #expect(outcomes.count >= 6)
        for outcome in outcomes {
            #expect(outcome.passed, "\(outcome.problem): \(outcome.message ?? "")")
        }
    }

    @Test func roofIsMeasured() throws {
        let roof = try Roof(DeviceSelector.automatic.device())
        let readings = try (0..<3).map { _ in try roof.reading() }
        // Any device does more than a tenth of a GFLOP/s, and none ten PFLOP/s.
        #expect(readings.allSatisfy { (1e8...1e16).contains($0) }, "\(readings)")
    }
}
