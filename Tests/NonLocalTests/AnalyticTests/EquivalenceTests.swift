import Testing

@testable import NonLocal

/// Two ways of saying the same: scopes and batches, channels last and first.
@Suite struct EquivalenceTests {
    private static let forms = PairwiseFormTests.named

    /// Scope space is each frame as its own batch item.
    @Test(arguments: Engine.all, forms)
    func spaceIsFramesInTheBatch(_ engine: Engine, _ pairwise: Pairwise) throws {
        for subsample in [Subsample.none, .convFirst, .poolFirst] {
            let video = BlockCase([2, 4, 3, 5, 6], norm: .batchNorm) {
                $0.pairwise = pairwise
                $0.subsample = subsample
                $0.scope = .space
            }
            var frames = video
            frames.configuration.scope = .spacetime
            frames.shape = [6, 4, 5, 6]
            let x = try video.input()
            let z = try frames.prepared(on: engine)(x.transposed([0, 2, 1, 3, 4]).reshaped([6, 4, 5, 6]))
            expectSame(
                try video.prepared(on: engine)(x),
                try z.reshaped([2, 3, 4, 5, 6]).transposed([0, 2, 1, 3, 4]), subsample.rawValue)
        }
    }

    /// Scope time is each pixel's column as its own batch item.
    @Test(arguments: Engine.all, forms)
    func timeIsPixelsInTheBatch(_ engine: Engine, _ pairwise: Pairwise) throws {
        for subsample in [Subsample.none, .convFirst, .poolFirst] {
            let video = BlockCase([2, 4, 5, 2, 3], norm: .affine) {
                $0.pairwise = pairwise
                $0.subsample = subsample
                $0.scope = .time
            }
            var columns = video
            columns.configuration.scope = .spacetime
            columns.shape = [12, 4, 5]
            let x = try video.input()
            let z = try columns.prepared(on: engine)(x.transposed([0, 3, 4, 1, 2]).reshaped([12, 4, 5]))
            expectSame(
                try video.prepared(on: engine)(x),
                try z.reshaped([2, 2, 3, 4, 5]).transposed([0, 3, 4, 1, 2]), subsample.rawValue)
        }
    }

    /// A channels-last run equals the transposed channels-first run.
    @Test(arguments: Engine.all, [[2, 4, 7], [2, 4, 3, 5], [1, 4, 4, 3, 2]])
    func channelsLastIsTransposed(_ engine: Engine, _ shape: [Int]) throws {
        let order = [0] + Array(2..<shape.count) + [1]
        for pairwise in Self.forms {
            for scope in shape.count == 5 ? Scope.allCases : [.spacetime] {
                let first = BlockCase(shape, norm: .batchNorm, normGroups: 2) {
                    $0.pairwise = pairwise
                    $0.scope = scope
                    $0.subsample = .convFirst
                }
                var last = first
                last.configuration.layout = .channelsLast
                last.shape = order.map { shape[$0] }
                let x = try first.input()
                expectSame(
                    try last.prepared(on: engine)(x.transposed(order)),
                    try first.prepared(on: engine)(x).transposed(order), "\(pairwise.name), \(scope)")
            }
        }
    }

    /// The items of a batch don't know of each other.
    @Test(arguments: Engine.all, forms)
    func batchItemsAreIndependent(_ engine: Engine, _ pairwise: Pairwise) throws {
        let all = BlockCase([3, 4, 3, 5], normGroups: 2) { $0.pairwise = pairwise }
        var one = all
        one.shape[0] = 1
        let x = try all.input()
        let z = try all.prepared(on: engine)(x).elements
        let prepared = try one.prepared(on: engine)
        for item in 0..<3 {
            let range = item * 60..<(item + 1) * 60
            let alone = try prepared(Tensor(shape: one.shape, elements: Array(x.elements[range])))
            expectSameBits(alone.elements, Array(z[range]), "item \(item)")
        }
    }

    /// Sequences are images of one row, and those videos of one frame.
    @Test(arguments: Engine.all)
    func rankIsOnlyShape(_ engine: Engine) throws {
        let x = try Tensor<Float>.normal(shape: [2, 4, 11], seed: 1)
        let z = try [[2, 4, 11], [2, 4, 1, 11], [2, 4, 1, 1, 11]].map { shape in
            try BlockCase(shape).prepared(on: engine)(x.reshaped(shape)).elements
        }
        expectSameBits(z[1], z[0])
        expectSameBits(z[2], z[0])
    }
}
