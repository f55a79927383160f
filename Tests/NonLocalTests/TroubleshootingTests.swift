import Foundation
import Testing

@testable import NonLocal

/// The page on trouble has the errors' own words: who searches for a message finds it.
@Suite struct TroubleshootingTests {
    struct Trouble: CustomTestStringConvertible, Sendable {
        /// The page's heading.
        let heading: String
        let provoke: @Sendable () throws -> Void

        var testDescription: String { heading }
    }

    private static func geometry(_ shape: [Int], _ change: (inout BlockCase) -> Void = { _ in }) throws {
        var problem = BlockCase([1, 1024, 14, 14])
        change(&problem)
        _ = try Geometry(problem.configuration, shape: shape)
    }

    static let troubles: [Trouble] = [
        Trouble(heading: "x of shape [1, 512, 14, 14] has 512 channels, the block 1024") {
            try geometry([1, 512, 14, 14])
        },
        Trouble(heading: "pooling leaves no key position of the 1×3×3 there are") {
            try geometry([1, 1024, 3, 3]) {
                $0.configuration.subsample = .convFirst
                $0.configuration.pool = .window(t: 1, h: 4, w: 4)
            }
        },
        Trouble(heading: "scope space needs x with a time dimension, not [1, 512, 14, 14]") {
            _ = try Geometry(.init(channels: 512, scope: .space), shape: [1, 512, 14, 14])
        },
        Trouble(heading: "own weight strongest can't be combined with sub-sampling") {
            try NonLocalBlock.Configuration(channels: 4, subsample: .convFirst, ownWeight: .strongest)
                .validate()
        },
        Trouble(heading: "x of shape [1, 6, 4] holds nan at flat index 7") {
            var elements = [Float](repeating: 1, count: 24)
            elements[7] = .nan
            _ = try BlockCase([1, 6, 4]).block()(Tensor(shape: [1, 6, 4], elements: elements), backend: .cpu)
        },
        Trouble(heading: "the weight of theta has the shape [256, 512], the block needs [512, 1024], [d, C]")
        {
            try BlockCase([1, 512, 4]).weights().validate(for: .init(channels: 1024))
        },
        Trouble(
            heading:
                "the pairwise function concatenation needs the pairwise weight w_f, [2d], and there is none"
        ) {
            try BlockCase([1, 4, 4]).weights().validate(for: .init(channels: 4, pairwise: .concatenation))
        },
        Trouble(heading: "the variance of the batch norm has a negative entry") {
            var weights = try BlockCase([1, 4, 4]).weights()
            let ones = try Tensor<Float>(repeating: 1, shape: [4])
            weights.norm = .batchNorm(
                scale: ones, shift: ones, mean: ones, variance: try ones.map { -$0 }, epsilon: 1e-5)
            try weights.validate(for: .init(channels: 4))
        },
    ]

    private static let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources/NonLocal/NonLocal.docc/Troubleshooting.md")

    @Test(arguments: troubles) func aHeadingIsWhatTheErrorSays(_ trouble: Trouble) throws {
        let lines = try String(contentsOf: Self.page, encoding: .utf8).split(separator: "\n")
        #expect(lines.contains("### \(trouble.heading)"))
        let error = #expect(throws: NonLocalError.self) { try trouble.provoke() }
        #expect(error?.message == trouble.heading)
    }
}
