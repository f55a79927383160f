import SwiftOpenCL
import Testing

@testable import NonLocal

/// Both backends give what mmcv, pytorchvideo, diffusers and the others give.
@Suite struct GoldenTests {
    @Test func manyCasesAreThere() {
        #expect(GoldenCase.all.count >= 60)
    }

    @Test(arguments: GoldenCase.all)
    func referenceMatches(_ golden: GoldenCase) throws {
        let contents = try golden.read()
        try expectMatch(contents, try contents.block(contents.x, backend: .cpu))
    }

    @Test(.needsDevice, arguments: GoldenCase.all, [Strategy.staged, .automatic])
    func openCLMatches(_ golden: GoldenCase, _ strategy: Strategy) throws {
        let contents = try golden.read()
        let prepared = try contents.block.prepared(
            for: contents.x.shape, on: try TestDevice.session(), strategy: strategy, validation: .full)
        try expectMatch(contents, try prepared(contents.x))
    }

    /// With maps of the queries applied to the keys, where that saves operations.
    @Test(.needsDevice) func absorbedMapsMatch() throws {
        var absorbed: Set<String> = []
        for golden in GoldenCase.ofSoftmax {
            let contents = try golden.read()
            let prepared = try contents.block.prepared(
                for: contents.x.shape, on: try TestDevice.session(), strategy: .fused, kernels: .panel,
                form: .panels)
            guard let maps = prepared.plan.absorbed else { continue }
            absorbed.insert(maps)
            try expectMatch(contents, try prepared(contents.x))
        }
        #expect(absorbed.count > 0, "\(absorbed)")
    }

    /// The warp kernels' twin, whose error in half precision is to be at most twice PyTorch's there.
    @Test(.needsDevice, arguments: GoldenCase.ofSoftmax)
    func warpKernelsMatch(_ golden: GoldenCase) throws {
        let contents = try golden.read()
        let prepared = try contents.block.prepared(
            for: contents.x.shape, on: try TestDevice.session(), strategy: .fused, kernels: .warp,
            testsKernels: false, precision: .mixed)
        let result = try prepared.run(contents.x)
        #expect(prepared.plan.strategy != .fused || result.precision == .float16)
        try expectMatch(contents, result.output, .float16)
    }

    /// The tile kernels likewise.
    @Test(.needsDevice, arguments: GoldenCase.ofSoftmax, [Strategy.fused, .staged])
    func tileKernelsMatch(_ golden: GoldenCase, _ strategy: Strategy) throws {
        let contents = try golden.read()
        let prepared = try contents.block.prepared(
            for: contents.x.shape, on: try TestDevice.session(), strategy: strategy, kernels: .tile,
            groupTile: GroupTile.candidates(TestDevice.session().device).last, testsKernels: false,
            precision: .mixed)
        let result = try prepared.run(contents.x)
        let block = contents.block
        let isIdentity = FoldedWeights(block.weights, pairwise: block.configuration.pairwise).isIdentity
        #expect(isIdentity || (prepared.plan.strategy == strategy && prepared.plan.precision == .mixed))
        #expect(result.precision == (isIdentity ? nil : .float16))
        try expectMatch(contents, result.output, .float16)
    }

    /// The error is at most twice PyTorch's, or what a handful of float32's roundings explains.
    private func expectMatch(
        _ golden: GoldenCase.Contents, _ z: Tensor<Float>, _ precision: Precision = .float32
    ) throws {
        let peerError = try #require(golden.peerErrors[precision])
        try #require(z.shape == golden.z.shape)
        let (x, expected, actual) = (golden.x.elements, golden.z.elements, z.elements)
        let change = zip(expected, x).reduce(0) { max($0, ($1.0 - Double($1.1)).magnitude) }
        guard change > 0 else {
            #expect(z == golden.x, "z is x, bit for bit")
            return
        }
        let largest = x.reduce(0) { max($0, Double($1.magnitude)) }
        let tolerance = Tolerances.beside(
            peerError: peerError, largestInput: largest, largestChange: change)
        let errors = zip(expected, actual).map { ($0 - Double($1)).magnitude / change }
        let worst = errors.indices.max { errors[$0] < errors[$1] } ?? 0
        #expect(
            errors.allSatisfy { $0 <= tolerance },
            """
            element \(worst): expected \(expected[worst]), actual \(actual[worst]), relative error \
            \(errors[worst]), tolerance \(tolerance), PyTorch's \(peerError)
            """)
    }
}
