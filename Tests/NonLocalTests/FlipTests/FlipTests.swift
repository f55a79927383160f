import Foundation
import Testing

@testable import NonLocal

private let environment = ProcessInfo.processInfo.environment

/// Single numbers made wrong between the kernels: what sums over all rows and sampled rows find of them.
///
/// `Scripts/flips` makes a table of a thousand; without it one of each tensor has to be found.
@Suite(.needsDevice, .serialized) struct FlipTests {
    struct Setup: Sendable {
        let name: String
        let problem: BlockCase
        let kernels: KernelClass
        let strategy: Strategy
        var absorb = Absorption.off
        let targets: [FlipTarget]
    }

    private static func problem(
        _ order: Subsample = .none, scale: Scale = .inverseSquareRoot
    ) -> BlockCase {
        BlockCase([2, 64, 2, 14, 14]) {
            $0.subsample = order
            $0.scale = scale
        }
    }

    private static let y = FlipTarget(name: "y", kernel: "panel_attention", argument: 6)
    private static let z = FlipTarget(name: "z", kernel: "panel_projection_residual", argument: 8)

    /// φ and g are packed where nothing is pooled behind them.
    private static let projected = [
        FlipTarget(name: "θ", kernel: "panel_projection", argument: 6),
        FlipTarget(name: "φ", kernel: "panel_projection", argument: 8),
        FlipTarget(name: "g", kernel: "panel_projection", argument: 10),
    ]

    /// φ and g, and what maps of the queries make of them; their attention's y is z.
    private static let absorbed = [
        FlipTarget(name: "φ", kernel: "panel_projection", argument: 6),
        FlipTarget(name: "g", kernel: "panel_projection", argument: 10),
        FlipTarget(name: "W_θᵀ φ", kernel: "panel_projection", launch: 2, argument: 6),
        FlipTarget(name: "b_θᵀ φ", kernel: "panel_projection", launch: 2, argument: 10),
        FlipTarget(name: "W_z g", kernel: "panel_projection", launch: 3, argument: 6),
        FlipTarget(name: "z", kernel: "panel_attention", argument: 6),
    ]

    static let setups = [
        Setup(
            name: "panel, fused", problem: problem(), kernels: .panel, strategy: .fused,
            targets: projected + [y, z]),
        Setup(
            name: "panel, fused, scale 1", problem: problem(scale: .none), kernels: .panel, strategy: .fused,
            targets: projected + [y, z]),
        Setup(
            name: "panel, fused, conv-first", problem: problem(.convFirst), kernels: .panel, strategy: .fused,
            targets: projected + [
                FlipTarget(name: "φ, pooled", kernel: "panel_pool", argument: 4),
                FlipTarget(name: "g, pooled", kernel: "panel_pool", argument: 6), y, z,
            ]),
        Setup(
            name: "panel, fused, pool-first", problem: problem(.poolFirst), kernels: .panel, strategy: .fused,
            targets: [
                projected[0],
                FlipTarget(name: "φ", kernel: "panel_projection", launch: 2, argument: 6),
                FlipTarget(name: "g", kernel: "panel_projection", launch: 2, argument: 10), y, z,
            ]),
        Setup(
            name: "panel, fused, conv-first, absorbed", problem: problem(.convFirst), kernels: .panel,
            strategy: .fused, absorb: .on, targets: absorbed),
        Setup(
            name: "panel, fused, pool-first, absorbed", problem: problem(.poolFirst), kernels: .panel,
            strategy: .fused, absorb: .on, targets: absorbed),
        Setup(
            name: "tile, fused", problem: problem(), kernels: .tile, strategy: .fused,
            targets: [
                FlipTarget(name: "θ", kernel: "tile_product", argument: 8),
                FlipTarget(name: "φ", kernel: "tile_product", argument: 10),
                FlipTarget(name: "g", kernel: "tile_product", argument: 12),
                FlipTarget(name: "y", kernel: "tile_attention", argument: 6),
                FlipTarget(name: "z", kernel: "tile_product", launch: 2, argument: 8),
            ]),
        Setup(
            name: "plain, staged", problem: problem(), kernels: .plain, strategy: .staged,
            targets: [
                FlipTarget(name: "θ", kernel: "projection", argument: 4),
                FlipTarget(name: "φ", kernel: "projection", launch: 2, argument: 4),
                FlipTarget(name: "g", kernel: "projection", launch: 3, argument: 4),
                FlipTarget(name: "s", kernel: "affinity_dot_product", argument: 4),
                FlipTarget(name: "p", kernel: "softmax", argument: 0),
                FlipTarget(name: "y", kernel: "aggregate", argument: 3),
                FlipTarget(name: "z", kernel: "projection_residual", argument: 6),
            ]),
    ]

    /// A setup made ready, with the right result.
    private struct Bench {
        let flipper = Flipper()
        let prepared: PreparedBlock
        let engine: BlockEngine
        let x: Tensor<Float>
        let z: [Float]
        /// What of an error of z is rounding's.
        let allowed: Double

        init(_ setup: Setup) throws {
            let flipper = flipper
            let session = try OpenCLSession(
                TestDevice.session().device,
                observer: { try flipper.observe($0, $1, $2) })
            prepared = try setup.problem.block().prepared(
                for: setup.problem.shape, on: session, strategy: setup.strategy, kernels: setup.kernels,
                absorb: setup.absorb, validation: .sampled(rows: 8), checksums: .on, form: .panels)
            engine = try #require(prepared.engine)
            x = try setup.problem.input()
            let sums = SumCopies()
            let right = try engine.output(x, nil, into: nil, nil, nil, sums).0
            z = right.elements
            let checked = try SumComparison.of(sums)
            #expect(checked.count > 0 && checked.mismatch == nil)
            let geometry = prepared.reference.geometry
            let comparison = try prepared.checker.compare(
                right, x, queries: nil,
                (0..<geometry.batch).map { (item: $0, rows: Array(0..<geometry.grid.count)) })
            #expect(comparison.mismatch == nil)
            allowed = try #require(comparison.tolerance) * comparison.largestChange
        }

        func flip(_ target: FlipTarget, in setup: Setup, _ random: SplitMix64) throws -> FlipTally.Flip {
            flipper.arm(target, random)
            defer { flipper.arm(nil, random) }
            prepared.calls += 1
            let (sample, sums) = (prepared.sample(nil), SumCopies())
            let wrong = try engine.output(x, nil, into: nil, nil, sample.copies, sums).0
            #expect(flipper.isDone, "\(setup.name) has no \(target.name)")
            let error = zip(wrong.elements, z).reduce(0.0) { largest, pair in
                let error = Double((pair.0 - pair.1).magnitude)
                return error.isFinite ? max(largest, error) : .infinity
            }
            let rows = try prepared.checker.compare(
                wrong, x, queries: nil, sample.rows, copies: sample.copies)
            return FlipTally.Flip(
                setup: setup.name, target: target.name, error: error / allowed,
                sum: try SumComparison.of(sums).mismatch?.stage, rows: rows.mismatch != nil)
        }
    }

    @Test func areFound() throws {
        let report = environment["NONLOCAL_FLIPS_REPORT"]
        let count = Int(environment["NONLOCAL_FLIPS"] ?? "")
        var tally = FlipTally()
        var random = SplitMix64(seed: UInt64(environment["NONLOCAL_FLIPS_SEED"] ?? "") ?? 1)
        for (index, setup) in Self.setups.enumerated() {
            let bench = try Bench(setup)
            let share =
                count.map { $0 * (index + 1) / Self.setups.count - $0 * index / Self.setups.count }
                ?? setup.targets.count
            for number in 0..<share {
                let target = setup.targets[number % setup.targets.count]
                let flip = try bench.flip(target, in: setup, SplitMix64(seed: random.next()))
                tally.add(flip)
                // What is wrong behind a maximum agrees with itself.
                guard !target.name.hasSuffix("pooled"), flip.error > 100 else { continue }
                #expect(flip.sum != nil, "\(flip)")
            }
        }
        if let report {
            try tally.report.write(toFile: report, atomically: true, encoding: .utf8)
        }
    }
}
