import Testing

@testable import NonLocal

/// The operation on θ, φ and g as they are given.
@Suite(.needsDevice) struct BareOperationTests {
    struct Sizes: CustomTestStringConvertible, Sendable {
        let width, value: Int
        let rows, keys: [Int]
        var batch = 1

        var testDescription: String { "B \(batch), d \(width), d_v \(value), \(rows) from \(keys)" }
    }

    static let sizes = [
        Sizes(width: 1, value: 1, rows: [1], keys: [1]),
        Sizes(width: 2, value: 7, rows: [7], keys: [2], batch: 3),
        Sizes(width: 9, value: 8, rows: [3, 5], keys: [4, 2], batch: 2),
        Sizes(width: 3, value: 3, rows: [65], keys: [63]),
        Sizes(width: 64, value: 65, rows: [2, 3, 3], keys: [1, 5, 1]),
        Sizes(width: 1024, value: 512, rows: [3], keys: [7]),
        Sizes(width: 1024, value: 1024, rows: [5], keys: [2]),
        Sizes(width: 2048, value: 1024, rows: [2], keys: [5]),
        Sizes(width: 5, value: 2, rows: [2], keys: [1009]),
        Sizes(width: 5, value: 2, rows: [1009], keys: [2]),
    ]

    @Test(arguments: sizes, PairwiseFormTests.named + PairwiseFormTests.generic)
    func matches(_ sizes: Sizes, _ pairwise: Pairwise) throws {
        let root = 1 / Double(sizes.width).squareRoot()
        func tensor(_ channels: Int, _ positions: [Int], _ seed: UInt64, deviation: Double = 1) throws
            -> Tensor<Float>
        {
            try .normal(shape: [sizes.batch, channels] + positions, deviation: deviation, seed: seed)
        }
        let theta = try tensor(sizes.width, sizes.rows, 1, deviation: root.squareRoot())
        let phi = try tensor(sizes.width, sizes.keys, 2, deviation: root.squareRoot())
        let g = try tensor(sizes.value, sizes.keys, 3)
        let isOuterSum = pairwise.formulation.score == .outerSum
        let operation = NonLocalOperation(
            pairwise: pairwise, scale: isOuterSum ? .none : .factor(0.75),
            pairwiseWeight: isOuterSum
                ? .init(weight: try .normal(shape: [2 * sizes.width], deviation: root, seed: 4), bias: 0.1)
                : nil)
        let prepared = try operation.prepared(
            for: OperationShape(operation, theta: theta.shape, phi: phi.shape, g: g.shape),
            on: TestDevice.session())
        let result = try prepared.run(theta: theta, phi: phi, g: g)
        #expect(result.output.shape == [sizes.batch, sizes.value] + sizes.rows)
        let rows = sizes.batch * sizes.rows.reduce(1, *)
        #expect(result.validation.rows == rows && result.validation.rowsInAll == rows)
    }

    /// Through the free function, on both backends: non-local means in three lines.
    @Test(arguments: OwnWeight.allCases)
    func comparesATensorWithItself(_ ownWeight: OwnWeight) throws {
        let x = try Tensor<Float>.normal(shape: [2, 3, 5, 5], seed: 1)
        func y(_ backend: Backend) throws -> Tensor<Float> {
            try nonLocal(
                theta: x, phi: x, g: x, pairwise: SizeTests.distance, scale: .factor(0.5),
                ownWeight: ownWeight,
                backend: backend, validation: .full)
        }
        let (expected, actual) = try (y(.cpu), y(.opencl))
        expectClose(actual.elements, expected.elements.map(Double.init)) { _ in 32 * Tolerance.rounding * 4 }
    }

    /// A mean of g, whatever the affinities are, if they are all the same.
    @Test func zeroAffinitiesGiveTheMean() throws {
        let zero = try Tensor<Float>(repeating: 0, shape: [1, 4, 6])
        let g = try Tensor<Float>(shape: [1, 2, 6], elements: [1, 2, 3, 4, 5, 6, -1, 1, -1, 1, -1, 1])
        for backend in [Backend.cpu, .opencl] {
            let y = try nonLocal(theta: zero, phi: zero, g: g, backend: backend)
            expectClose(y.elements, Array(repeating: 3.5, count: 6) + Array(repeating: 0, count: 6)) { _ in
                1e-6
            }
        }
    }
}
