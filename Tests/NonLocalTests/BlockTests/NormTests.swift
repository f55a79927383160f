import Testing

@testable import NonLocal

/// Biases, norms behind and in front, residual, layouts, scopes and the own weight.
@Suite(.needsDevice) struct NormTests {
    @Test(arguments: BlockCase.Norm.allCases, [true, false])
    func norms(_ norm: BlockCase.Norm, _ biases: Bool) throws {
        for groups in [0, 1, 2, 6] {
            for layout in Layout.allCases {
                for residual in [true, false] {
                    let shape = layout == .channelsFirst ? [2, 6, 3, 5] : [2, 3, 5, 6]
                    try BlockCase(shape, biases: biases, norm: norm, normGroups: groups, layout: layout) {
                        $0.residual = residual
                    }.check()
                }
            }
        }
    }

    @Test(arguments: [1, 3, 32])
    func groupNormOfALargeMean(_ groups: Int) throws {
        for shape in [[1, 96, 5], [2, 96, 2, 2]] {
            try BlockCase(shape, normGroups: groups, mean: 20, inner: 8).check()
        }
    }

    static let videos = [
        [2, 3, 3, 4, 5], [1, 2, 1, 2, 3], [1, 4, 5, 1, 1], [1, 2, 65, 1, 3], [1, 2, 2, 5, 13],
    ]

    @Test(arguments: videos, Scope.allCases)
    func scopes(_ shape: [Int], _ scope: Scope) throws {
        for pairwise in PairwiseFormTests.named {
            try BlockCase(shape) {
                $0.pairwise = pairwise
                $0.scope = scope
            }.check()
        }
        try BlockCase([shape[0]] + shape[2...] + [shape[1]], normGroups: 1, layout: .channelsLast) {
            $0.scope = scope
        }.check()
    }

    @Test(arguments: OwnWeight.allCases, [[2, 3, 2], [1, 3, 65], [2, 4, 3, 5], [1, 3, 3, 2, 3]])
    func ownWeights(_ ownWeight: OwnWeight, _ shape: [Int]) throws {
        let forms: [Pairwise] = [
            .gaussian, .embeddedGaussian, SizeTests.distance,
            .generic(.outerSum, weight: PairwiseFormTests.weight("-abs(s)"), normalizer: .softmax),
        ]
        for pairwise in forms {
            for scope in shape.count == 5 ? Scope.allCases : [.spacetime] {
                for scale in pairwise.formulation.score == .outerSum
                    ? [Scale.none] : [.none, .factor(-2), .factor(0)]
                {
                    try BlockCase(shape) {
                        $0.pairwise = pairwise
                        $0.ownWeight = ownWeight
                        $0.scope = scope
                        $0.scale = scale
                    }.check()
                }
            }
        }
    }
}
