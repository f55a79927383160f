import SwiftOpenCL
import Testing

@testable import NonLocal

/// A projection for the warp kernels' twin: up to three maps of the same x, or one with a residual.
struct WarpProductCase: CustomTestStringConvertible, Sendable {
    let inputs: Int
    let outputs: [Int]
    let positions: Int
    let items: Int
    let arithmetic: WarpTile.Arithmetic
    let hasResidual: Bool
    let arrangement: Arrangement
    /// What the weights and biases of each map are multiplied by.
    var factors: [Float]

    init(
        _ inputs: Int, _ outputs: [Int], _ positions: Int, _ arithmetic: WarpTile.Arithmetic, items: Int = 1,
        hasResidual: Bool = false, _ arrangement: Arrangement = .packed
    ) {
        (self.inputs, self.outputs, self.positions) = (inputs, outputs, positions)
        (self.items, self.arithmetic, self.hasResidual) = (items, arithmetic, hasResidual)
        self.arrangement = arrangement
        factors = outputs.map { _ in 1 }
    }

    var testDescription: String {
        "\(arithmetic.rawValue), \(inputs) → \(outputs) channels, \(items) × \(positions) positions, "
            + "\(arrangement.rawValue)\(hasResidual ? ", residual" : "")"
    }

    private func x(_ item: Int, _ c: Int, _ n: Int) -> Float { 3 * noise(1, item, c, n) }
    private func weight(_ row: Int, _ c: Int) -> Float { factor(row) * noise(2, row, c) / 5 }
    private func bias(_ row: Int) -> Float { factor(row) * noise(3, row) }
    private func factor(_ row: Int) -> Float {
        var first = 0
        let map = outputs.firstIndex { count in
            first += count
            return row < first
        }
        return factors[map ?? 0]
    }
    private func residual(_ item: Int, _ row: Int, _ n: Int) -> Float { noise(4, item, row, n) }

    /// What the kernel gives, the numbers it should be, and how far each may be from that.
    func run(_ session: OpenCLSession) throws -> (actual: [Float], expected: [Double], tolerances: [Double]) {
        func placed(_ channels: Int, _ value: ((Int, Int, Int) -> Float)? = nil) throws -> Placed {
            guard let value else {
                return try Placed(
                    session, items: items, channels: channels, positions: positions, arrangement)
            }
            return try Placed(
                session, items: items, channels: channels, positions: positions, arrangement, value: value)
        }
        let product = try WarpProduct(session.library, arithmetic, usesPTX: false)
        var first = 0
        let maps = outputs.map { count in
            defer { first += count }
            return Linear(
                outputs: count, inputs: inputs,
                weight: (first..<first + count).flatMap { row in
                    (0..<inputs).map { Double(weight(row, $0)) }
                }, bias: (first..<first + count).map { Double(bias($0)) })
        }
        let targets = try outputs.map { try placed($0) }
        let added = hasResidual ? try placed(outputs[0], residual) : nil
        let launcher = session.launcher()
        try product.launch(
            launcher, product.load(maps, in: session), from: placed(inputs, x).view, residual: added?.view,
            to: targets.map(\.view), positions: positions, items: items,
            image: Buffer(
                session.context,
                count: WarpProduct.elements(
                    arithmetic, channels: inputs, positions: positions, items: items)),
            limits: Buffer(session.context, count: items))
        try launcher.finish()
        var (expected, tolerances) = ([Double](), [Double]())
        first = 0
        for count in outputs {
            for item in 0..<items {
                let columns = (0..<positions).map { n in (0..<inputs).map { Double(x(item, $0, n)) } }
                for row in first..<first + count {
                    let weights = (0..<inputs).map { Double(weight(row, $0)) }
                    for n in 0..<positions {
                        let more =
                            Double(bias(row)) + (hasResidual ? Double(residual(item, row, n)) : 0)
                        expected.append(PlainFormulas.dot(weights, columns[n]) + more)
                        let magnitude =
                            PlainFormulas.dot(weights.map(\.magnitude), columns[n].map(\.magnitude))
                            + 2 * Double(factor(row))
                        tolerances.append(
                            Tolerances.tensorProduct(arithmetic, terms: inputs, magnitude: magnitude))
                    }
                }
            }
            first += count
        }
        return (try targets.flatMap { try $0.read(session) }, expected, tolerances)
    }
}
