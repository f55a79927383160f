import Foundation
import SwiftOpenCL
import Testing

@testable import NonLocal

/// An attention problem for the warp kernels' twin, which any device runs.
struct WarpCase: CustomTestStringConvertible, Sendable {
    var width: Int
    var valueChannels: Int
    var rows: Int
    var keys: Int
    var arithmetic: WarpTile.Arithmetic
    var groups = 1
    var shares = 1
    var scale: Float?
    /// The largest number in θ, in φ and in g.
    var largest: Float = 1
    var largestPhi: Float = 1
    var largestG: Float = 1
    /// The table's without.
    var tile: WarpTile?
    var arrangement = Arrangement.packed

    init(
        _ width: Int, _ rows: Int, _ keys: Int, _ arithmetic: WarpTile.Arithmetic, values: Int? = nil,
        _ change: (inout WarpCase) -> Void = { _ in }
    ) {
        (self.width, self.valueChannels) = (width, values ?? width)
        (self.rows, self.keys, self.arithmetic) = (rows, keys, arithmetic)
        change(&self)
    }

    var testDescription: String {
        "\(arithmetic.rawValue), d \(width), d_v \(valueChannels), \(groups) × \(rows) × \(keys), "
            + "\(shares) shares, scale \(scale.map { "\($0)" } ?? "1/√d"), θ, φ, g to "
            + "\(largest), \(largestPhi), \(largestG)"
    }

    private var factor: Float { scale ?? 1 / Float(width).squareRoot() }
    private func theta(_ group: Int, _ c: Int, _ n: Int) -> Float { largest * noise(1, group, c, n) }
    private func phi(_ group: Int, _ c: Int, _ n: Int) -> Float { largestPhi * noise(2, group, c, n) }
    private func g(_ group: Int, _ c: Int, _ n: Int) -> Float { largestG * noise(3, group, c, n) }

    /// y by the kernels, and what is in its gaps too if there are any: `[groups][d_v][rows]`.
    func computed(_ session: OpenCLSession) throws -> [Float] {
        let variant =
            try tile.map {
                WarpVariant($0, width: width, values: valueChannels, arithmetic: arithmetic, usesPTX: false)
            } ?? WarpVariant(width: width, values: valueChannels, arithmetic: arithmetic, usesPTX: false)
        func placed(_ channels: Int, _ positions: Int, _ value: (Int, Int, Int) -> Float) throws -> Placed {
            try Placed(
                session, items: 1, groups: groups, channels: channels, positions: positions, arrangement,
                value: value)
        }
        let y = try Placed(
            session, items: 1, groups: groups, channels: valueChannels, positions: rows, arrangement)
        let room = try variant.elements(
            rows: rows, keys: keys, valueChannels: valueChannels, groups: groups, shares: shares
        ).map { try Buffer<Float>(session.context, count: $0) }
        let launcher = session.launcher()
        try WarpAttention(session.library, variant).launch(
            launcher,
            AttentionOperands(
                theta: placed(width, rows, theta).view, phi: placed(width, keys, phi).view,
                g: placed(valueChannels, keys, g).view, y: y.view, width: width,
                valueChannels: valueChannels, groups: groups, rows: rows, keys: keys),
            scale: factor, shares: shares,
            WarpAttention.Room(
                theta: room[0], phi: room[1], g: room[2], limits: room[3], shared: room[4]))
        try launcher.finish()
        return try y.read(session)
    }

    /// y in double, and the largest magnitude of an affinity.
    func expected() -> (y: [Double], largestAffinity: Double) {
        var (y, largestAffinity) = ([Double](), 0.0)
        for group in 0..<groups {
            let phi = (0..<keys).map { j in (0..<width).map { Double(self.phi(group, $0, j)) } }
            let weights = (0..<rows).map { i -> [Double] in
                let theta = (0..<width).map { Double(self.theta(group, $0, i)) }
                let s = phi.map { Double(factor) * PlainFormulas.dot(theta, $0) }
                largestAffinity = s.reduce(largestAffinity) { max($0, $1.magnitude) }
                let weights = s.map { exp($0 - (s.max() ?? 0)) }
                let sum = weights.reduce(0, +)
                return weights.map { $0 / sum }
            }
            for c in 0..<valueChannels {
                let g = (0..<keys).map { Double(self.g(group, c, $0)) }
                y += weights.map { PlainFormulas.dot($0, g) }
            }
        }
        return (y, largestAffinity)
    }

    /// The largest error relative to the largest |y|, and the tolerance; a NaN is an infinite error.
    func error(_ session: OpenCLSession) throws -> (error: Double, tolerance: Double) {
        let (expected, largestAffinity) = expected()
        let actual = try computed(session)
        try #require(actual.count == expected.count)
        let scale = expected.reduce(0) { max($0, $1.magnitude) }
        let error = zip(actual, expected).reduce(0.0) {
            let difference = (Double($1.0) - $1.1).magnitude
            return difference.isNaN ? .infinity : max($0, difference)
        }
        return (
            error / scale,
            Tolerances.tensorCores(
                arithmetic, width: width, keys: keys, largestAffinity: largestAffinity)
        )
    }
}
