import NonLocalKernels
import Testing

@testable import NonLocal

/// Validation stage by stage, where φ and g are pooled behind their projections.
@Suite(.needsDevice) struct PooledKeysTests {
    private static func block(
        _ shape: [Int], normGroups: Int = 0, inner: Int? = nil, value: Int? = nil, pool: Pool = .standard,
        layout: Layout = .channelsFirst, _ change: (inout NonLocalBlock.Configuration) -> Void = { _ in }
    ) -> BlockCase {
        BlockCase(shape, normGroups: normGroups, inner: inner, value: value, layout: layout) {
            $0.subsample = .convFirst
            $0.pool = pool
            change(&$0)
        }
    }

    private static let cases = [
        block([2, 5, 3, 6, 9]),
        // More than one tile of channels and block of keys, d ≠ d_v.
        block([1, 9, 1, 26, 40], inner: 150, value: 19),
        block([2, 6, 2, 8, 10], normGroups: 2) { $0.scope = .space },
        block([1, 4, 5, 6, 7], layout: .channelsFirst) { $0.scope = .time },
        block([2, 3, 7, 9, 6], layout: .channelsLast) { $0.pairwise = .gaussian },
        block([1, 4, 6, 10]) { $0.pairwise = .dotProduct },
        block([1, 4, 6, 10]) { $0.pairwise = .concatenation },
        block([1, 6, 90], pool: .flat(3)),
        // Windows that no vector holds.
        block([1, 4, 1, 3, 60], pool: .window(t: 1, h: 1, w: 30)),
    ]

    private static let kernels: [KernelClass] = KernelClass.allCases

    private func prepared(
        _ problem: BlockCase, _ kernels: KernelClass, _ form: FusedForm? = nil, memoryLimit: Int? = nil,
        on session: OpenCLSession? = nil
    ) throws -> PreparedBlock {
        try problem.block().prepared(
            for: problem.shape, on: session ?? TestDevice.session(), kernels: kernels,
            validation: .sampled(rows: 2), memoryLimit: memoryLimit, form: form)
    }

    /// What is copied is what the reference pools.
    @Test(arguments: cases, kernels) func copiesAreOfTheRightPlaces(
        _ problem: BlockCase, _ kernels: KernelClass
    ) throws {
        let forms: [FusedForm?] = kernels == .panel ? [.panels, .block, .time] : [nil]
        for form in forms {
            let prepared = try prepared(problem, kernels, form)
            let engine = try #require(prepared.engine)
            let geometry = prepared.reference.geometry
            let copies = PooledKeyCopies(0..<geometry.batch, geometry)
            let x = try problem.input()
            _ = try engine.output(x, nil, into: nil, nil, copies)
            for item in 0..<geometry.batch {
                let (phi, g) = try #require(try copies.keys(of: item))
                let input = Field(x, item: item, layout: geometry.layout, channels: geometry.channels)
                let expected = prepared.reference.operation(on: input, queries: [0])
                expectClose(g.values.map(Float.init), expected.g.values) { _ in 2e-5 }
                let scored = ReferenceStages.project(phi, by: prepared.reference.weights.scorePhi)
                expectClose(scored.values.map(Float.init), expected.phi.values) { _ in 2e-5 }
            }
        }
    }

    @Test(arguments: cases, kernels) func rightResultsPass(
        _ problem: BlockCase, _ kernels: KernelClass
    ) throws {
        let validation = try prepared(problem, kernels).run(problem.input()).validation
        #expect(validation.rows == 2 && validation.entries > 8)
        #expect((validation.maxRelativeError ?? 1) <= validation.tolerance ?? 0)
    }

    /// Each slice of the batch has its own φ and g. Every call is looked at, as long as no other one is taken into account.
    @Test(arguments: [true, false]) func slicesAreChecked(sharesHostMemory: Bool) throws {
        let problem = Self.block([5, 4, 1, 16, 20])
        let session = try OpenCLSession(TestDevice.session().device, sharesHostMemory: sharesHostMemory)
        let whole = try prepared(problem, .panel, .panels, on: session)
        let sliced = try prepared(
            problem, .panel, .panels, memoryLimit: whole.plan.peakMemory / 2, on: session)
        let x = try problem.input()
        var items: Set<Int> = []
        for _ in 0..<5 {
            let sample = sliced.sample(nil)
            items.formUnion(sample.rows.map(\.item))
            sliced.budget = CheckBudget()
            #expect(try sliced.run(x).validation.entries > 0)
        }
        #expect(items == [0, 1, 2, 3, 4])
        sliced.budget = CheckBudget()
        let device = try sliced.run(sliced.upload(x)).report.validation
        #expect(device.rows == 2 && device.entries > 0)
    }

    /// Mistakes in front of the operation are found at φ or g, those in it at the rows.
    @Test func mistakesAreFoundWhereTheyAre() throws {
        let problem = Self.block([1, 6, 1, 30, 40])
        func stage(_ source: KernelSource, _ text: String, _ planted: String) throws -> Mismatch.Stage? {
            let session = try TestDevice.session(planting: planted, for: text, in: source)
            let block = try problem.block().prepared(
                for: problem.shape, on: session, kernels: .panel, validation: .sampled(rows: 4),
                form: .panels)
            return failure(.mismatch) { _ = try block.run(problem.input()) }?.mismatch?.stage
        }
        #expect(try stage(.panelPool, "h < window.y; h++", "h < window.y - 1; h++") == .pooledPhi)
        #expect(try stage(.panelPool, "(m.odd, next.odd)", "(m.even, next.even)") == .pooledPhi)
        #expect(try stage(.panelAttention, "l += weight;", "l = weight;") == .result)
    }
}
