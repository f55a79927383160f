import Testing

@testable import NonLocal

/// The two backends, for checks that both have to pass.
enum Engine: String, Sendable, CaseIterable {
    case reference
    case opencl

    /// Both, but for OpenCL where running without a device was asked for.
    static var all: [Engine] { TestDevice.isWaived ? [.reference] : allCases }

    var backend: Backend { self == .opencl ? .opencl : .cpu }

    /// The session that tests share, or none for the reference.
    func session() throws -> OpenCLSession? { self == .opencl ? try TestDevice.session() : nil }
}

extension BlockCase {
    /// The case on a backend, with other weights if some are given.
    func prepared(on engine: Engine, weights: BlockWeights? = nil) throws -> PreparedBlock {
        try NonLocalBlock(configuration, weights: weights ?? self.weights())
            .prepared(for: shape, on: engine.session())
    }
}

extension Tensor where Element == Float {
    /// The same numbers with their dimensions in another order.
    func transposed(_ order: [Int]) throws -> Tensor {
        let strides = shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
        let newShape = order.map { shape[$0] }
        let source = elements
        return try Tensor(shape: newShape) { target in
            for index in target.indices {
                var (rest, at) = (index, 0)
                for dimension in newShape.indices.reversed() {
                    at += rest % newShape[dimension] * strides[order[dimension]]
                    rest /= newShape[dimension]
                }
                target[index] = source[at]
            }
        }
    }
}

/// Compares two results that differ by rounding alone.
func expectSame(
    _ actual: Tensor<Float>, _ expected: Tensor<Float>, _ context: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(actual.shape == expected.shape, sourceLocation: sourceLocation)
    let values = expected.elements.map(Double.init)
    let tolerance = Tolerances.sameFormula(largest: values.reduce(0) { max($0, $1.magnitude) })
    expectClose(actual.elements, values, context, sourceLocation: sourceLocation) { _ in tolerance }
}
