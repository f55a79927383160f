import NonLocalKernels
import Testing

@testable import NonLocal

@Suite struct ComparisonTests {
    private func comparison(
        _ expected: [Double], _ actual: [Float], x: [Float] = [1, 2, 3], affinity: Double = 0
    ) -> Comparison {
        var comparison = Comparison(isExponent: true, width: 4)
        comparison.add(
            item: 2, row: 7, expected: expected, actual: actual, input: x,
            magnitudes: .init(largestAffinity: affinity))
        return comparison
    }

    @Test func roundingPasses() {
        #expect(comparison([2, 4, 6], [2, 4, 6]).mismatch == nil)
        let near = comparison([2, 4, 6], [2, 4.000_000_5, 6])
        #expect(near.mismatch == nil)
        #expect(near.largestError > 0 && near.relativeError ?? 0 > 0)
    }

    @Test func aWrongNumberIsNamed() throws {
        var all = Comparison(isExponent: true, width: 4)
        for row in 0..<9 {
            let actual: [Float] = row == 5 ? [2, 4.01, 6] : [2, 4, 6]
            all.add(
                item: 1, row: row, expected: [2.0, 4, 6], actual: actual, input: [1, 2, 3],
                magnitudes: .init()
            )
        }
        let mismatch = try #require(all.mismatch)
        #expect(mismatch.item == 1 && mismatch.row == 5 && mismatch.channel == 1)
        #expect(mismatch.expected == 4 && mismatch.actual == Double(Float(4.01)))
        #expect(abs(mismatch.relativeError - 0.01 / 3) < 1e-6 && mismatch.tolerance < 1e-5)
        #expect(all.rows == 9)
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func whatIsNotFiniteIsCaught(_ value: Float) throws {
        let mismatch = try #require(comparison([2, 4, 6], [2, 4, value]).mismatch)
        #expect(mismatch.channel == 2 && mismatch.relativeError == .infinity)
        // A later finite error is not worse.
        #expect(try #require(comparison([2, 4, 6], [value, 5, 9]).mismatch).channel == 0)
        // Where z is x there is no change to relate it to.
        #expect(comparison([1, 2, 3], [1, value, 3]).mismatch?.channel == 1)
    }

    @Test func notFiniteOnBothSidesPasses() {
        let values: [Float] = [.nan, .infinity, -.infinity]
        #expect(comparison(values.map(Double.init), values, x: values).mismatch == nil)
        #expect(comparison([.infinity, 1, 1], [-.infinity, 1, 1]).mismatch?.channel == 0)
        #expect(comparison([.nan, 4, 6], [2, 4, 6]).mismatch?.channel == 0)
    }

    @Test func whereZIsXTheInputIsTheMeasure() {
        #expect(comparison([1, 2, 3], [1, 2, 3]).relativeError == nil)
        #expect(comparison([1, 2, 3], [1, 2, 3]).mismatch == nil)
        #expect(comparison([1, 2, 3], [1, 2, 3.1]).mismatch?.channel == 2)
        #expect(comparison([0, 0, 0], [0, 0, 0x1p-149], x: [0, 0, 0]).mismatch != nil)
    }

    @Test func largeAffinitiesWidenTheTolerance() throws {
        let small = try #require(comparison([2, 4, 6], [2, 4, 6]).tolerance)
        let large = try #require(comparison([2, 4, 6], [2, 4, 6], affinity: 1e4).tolerance)
        #expect(small < 1e-5 && large > small && large < 2e-3)
    }

    /// Numbers of φ and g count against Σ_c |w_c x_c|, and before rows.
    @Test func entriesHaveToleranceOfTheirOwn() throws {
        var comparison = comparison([1, 2, 3], [1, 2, 3.5])
        func add(_ stage: Mismatch.Stage, _ expected: Double, _ actual: Double) {
            comparison.add(
                PooledEntry(
                    stage: stage, key: 2, channel: 3, expected: expected, actual: actual, magnitude: 10),
                item: 1, terms: 100)
        }
        add(.pooledPhi, 1, 1 + 10 * 26 * 0x1p-24)
        add(.pooledG, .nan, .nan)
        #expect(comparison.mismatch?.stage == .result)
        add(.pooledG, 1, 1 + 10 * 27 * 0x1p-24)
        #expect(comparison.mismatch?.stage == .pooledG && comparison.mismatch?.row == 2)
        add(.pooledPhi, 1, 1.1)
        #expect(comparison.mismatch?.stage == .pooledPhi)
        add(.pooledG, 1, .nan)
        let worst = try #require(comparison.mismatch)
        #expect(worst.stage == .pooledG && worst.actual.isNaN && worst.channel == 3 && worst.item == 1)
        #expect(comparison.report(of: 9, seconds: 0).entries == 5)
    }

    @Test func theReportHasTheWorst() throws {
        let report = comparison([2, 4, 6], [2, 4, 6.5]).report(of: 40, seconds: 0.5)
        #expect(report.rows == 1 && report.rowsInAll == 40 && report.maxAbsoluteError == 0.5)
        #expect(report.seconds == 0.5 && report.entries == 0)
        #expect(abs((report.maxRelativeError ?? 0) - 0.5 / 3) < 1e-9)
    }
}

/// Inputs on which a float32 result is as good as it can be must pass, and wrong ones must not.
@Suite(.needsDevice) struct ComparisonOnDeviceTests {
    @Test(arguments: [(4, 300), (64, 500), (64, 3000)])
    func nearlyUniformWeightsPass(_ channels: Int, _ positions: Int) throws {
        let configuration = NonLocalBlock.Configuration(
            channels: channels, pairwise: .gaussian, scale: .inverseSquareRoot)
        let weights = try BlockWeights.random(for: configuration, seed: 3, zeroInitialized: false)
        let x = try Tensor<Float>.normal(
            shape: [1, channels, positions], mean: 1, deviation: 1e-3, seed: 4)
        let block = try NonLocalBlock(configuration, weights: weights)
        _ = try block.prepared(for: x.shape, on: TestDevice.session(), validation: .sampled(rows: 16)).run(x)
    }

    @Test func anInfinityDoesNotLetAWrongKernelPass() throws {
        let session = try TestDevice.session(
            overriding: [.softmax: KernelSource.softmax.text.replacing("/= sum", with: "= 7.0f")])
        var elements = try Tensor<Float>.normal(shape: [2, 4, 40], seed: 1).elements
        elements[5] = .infinity
        let x = try Tensor(shape: [2, 4, 40], elements: elements)
        let configuration = NonLocalBlock.Configuration(channels: 4)
        let weights = try BlockWeights.random(for: configuration, seed: 2, zeroInitialized: false)
        let prepared = try NonLocalBlock(configuration, weights: weights).prepared(
            for: x.shape, on: session, strategy: .staged, validation: .full, allowNonFinite: true)
        _ = failure(.mismatch) { _ = try prepared(x) }
    }
}
