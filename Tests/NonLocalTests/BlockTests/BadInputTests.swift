import SwiftOpenCL
import Testing

@testable import NonLocal

/// What a caller may get wrong: each with its own code and words, and never a trap.
@Suite struct BadInputTests {
    struct Bad: CustomTestStringConvertible, Sendable {
        let code: NonLocalError.Code
        let says: String
        var shape = [1, 4, 3, 5]
        var change: @Sendable (inout NonLocalBlock.Configuration) -> Void = { _ in }

        var testDescription: String { "\(shape): \(says)" }
    }

    static let shapes = [
        Bad(code: .shape, says: "has 0 dimensions", shape: []),
        Bad(code: .shape, says: "has 2 dimensions", shape: [1, 4]),
        Bad(code: .shape, says: "has 6 dimensions", shape: [1, 4, 1, 1, 1, 1]),
        Bad(code: .shape, says: "holds nothing", shape: [0, 4, 3]),
        Bad(code: .shape, says: "holds nothing", shape: [1, 4, 0, 3]),
        Bad(code: .shape, says: "holds nothing", shape: [1, 4, -3, 3]),
        Bad(code: .shape, says: "has 5 channels, the block 4", shape: [1, 5, 3]),
        Bad(code: .shape, says: "has 3 channels, the block 4", shape: [1, 4, 3]) {
            $0.layout = .channelsLast
        },
        Bad(code: .shape, says: "too many elements", shape: [1, 4, Int.max]),
        Bad(code: .shape, says: "too many elements", shape: [Int.max, 4, Int.max, Int.max]),
        Bad(code: .configuration, says: "pooling leaves no key position of the 1×3×1", shape: [1, 4, 3, 1]) {
            $0.subsample = .convFirst
        },
        Bad(code: .configuration, says: "pooling leaves no key position of the 1×1×1", shape: [1, 4, 1]) {
            $0.subsample = .poolFirst
        },
        Bad(code: .configuration, says: "pooling leaves no key position") {
            $0.subsample = .poolFirst
            $0.pool = .flat(16)
        },
        Bad(code: .configuration, says: "pooling leaves no key position") {
            $0.subsample = .convFirst
            $0.pool = .window(t: 2, h: 1, w: 1)
        },
        Bad(code: .configuration, says: "a flat pool of 0") {
            $0.subsample = .convFirst
            $0.pool = .flat(0)
        },
        Bad(code: .configuration, says: "a pool of 1,0,2") {
            $0.subsample = .convFirst
            $0.pool = .window(t: 1, h: 0, w: 2)
        },
        Bad(code: .configuration, says: "a pool of 1,-1,-2") {
            $0.subsample = .convFirst
            $0.pool = .window(t: 1, h: -1, w: -2)
        },
        Bad(code: .configuration, says: "pooling leaves no key position") {
            $0.subsample = .convFirst
            $0.pool = .window(t: Int.max, h: Int.max, w: Int.max)
        },
        Bad(code: .configuration, says: "scope space needs x with a time dimension") { $0.scope = .space },
        Bad(code: .configuration, says: "scope time needs x with a time dimension", shape: [1, 4, 9]) {
            $0.scope = .time
        },
        Bad(
            code: .configuration, says: "a pool of 2,1,1 does not go with scope space",
            shape: [1, 4, 4, 4, 4]
        ) {
            $0.scope = .space
            $0.subsample = .convFirst
            $0.pool = .window(t: 2, h: 1, w: 1)
        },
        Bad(
            code: .configuration, says: "a pool of 2,1,2 does not go with scope time", shape: [1, 4, 4, 4, 4]
        ) {
            $0.scope = .time
            $0.subsample = .poolFirst
            $0.pool = .window(t: 2, h: 1, w: 2)
        },
        Bad(
            code: .configuration, says: "a flat pool of 2 does not go with scope space",
            shape: [1, 4, 4, 4, 4]
        ) {
            $0.scope = .space
            $0.subsample = .convFirst
            $0.pool = .flat(2)
        },
        Bad(code: .configuration, says: "own weight exclude", shape: [1, 4, 1]) { $0.ownWeight = .exclude },
        Bad(code: .configuration, says: "own weight strongest", shape: [2, 4, 5, 1, 1]) {
            $0.ownWeight = .strongest
            $0.scope = .space
        },
    ]

    @Test(arguments: shapes, Engine.all)
    func shapesAreRefused(_ bad: Bad, _ engine: Engine) throws {
        var problem = BlockCase([1, 4, 3, 5])
        bad.change(&problem.configuration)
        let block = try problem.block()
        let error = failure(bad.code) { _ = try block.prepared(for: bad.shape, on: engine.session()) }
        #expect(error?.description.contains(bad.says) == true, "\(String(describing: error))")
    }

    static let configurations = [
        Bad(code: .configuration, says: "0 inner") { $0.innerChannels = 0 },
        Bad(code: .configuration, says: "-1 value channels") { $0.valueChannels = -1 },
        Bad(code: .configuration, says: "takes no scale") {
            $0.pairwise = .concatenation
            $0.scale = .inverseSquareRoot
        },
        Bad(code: .configuration, says: "not finite") { $0.scale = .factor(.nan) },
        Bad(code: .configuration, says: "not finite") { $0.scale = .factor(1e39) },
        Bad(code: .configuration, says: "can't be combined with sub-sampling") {
            $0.ownWeight = .exclude
            $0.subsample = .convFirst
        },
        Bad(code: .configuration, says: "goes with softmax forms only") {
            $0.ownWeight = .strongest
            $0.pairwise = .dotProduct
        },
        Bad(code: .weights, says: "the weight of theta has the shape [2, 4], the block needs [3, 4]") {
            $0.innerChannels = 3
        },
        Bad(code: .weights, says: "the weight of g has the shape [2, 4], the block needs [5, 4]") {
            $0.valueChannels = 5
        },
        Bad(code: .weights, says: "[2, 4], the block needs [2, 6]") { $0.channels = 6 },
        Bad(code: .weights, says: "concatenation needs the pairwise weight w_f") {
            $0.pairwise = .concatenation
        },
    ]

    @Test(arguments: configurations)
    func configurationsAreRefused(_ bad: Bad) throws {
        let problem = BlockCase([1, 4, 3, 5])
        let weights = try problem.weights()
        var configuration = problem.configuration
        bad.change(&configuration)
        let error = failure(bad.code) { _ = try NonLocalBlock(configuration, weights: weights) }
        #expect(error?.message.contains(bad.says) == true, "\(String(describing: error))")
        #expect(error.map { $0.advice.isEmpty } == (bad.says == "not finite"))
    }

    @Test func damagedWeightsAreRefused() throws {
        let problem = BlockCase([1, 4, 9], norm: .batchNorm, normGroups: 2)
        func error(_ code: NonLocalError.Code, _ damage: (inout BlockWeights) throws -> Void) throws -> String
        {
            var weights = try problem.weights()
            try damage(&weights)
            let error = failure(code) { _ = try NonLocalBlock(problem.configuration, weights: weights) }
            return error?.message ?? ""
        }
        #expect(try error(.weights) { $0.theta = nil }.contains("needs theta"))
        #expect(try error(.weights) { $0.phi = nil }.contains("needs phi"))
        #expect(try error(.weights) { $0.groupNorm?.groups = 3 }.contains("3 groups don't divide 4 channels"))
        #expect(
            try error(.weights) { $0.groupNorm?.epsilon = -1 }.contains("epsilon of the group norm is -1"))
        #expect(
            try error(.nonFinite) { $0.g.bias = try Tensor(shape: [2], elements: [0, .nan]) }
                .contains("the bias of g has a NaN"))
        #expect(
            try error(.weights) { $0.output.bias = try Tensor(repeating: 0, shape: [3]) }
                .contains("the bias of W_z has the shape [3]"))
    }

    /// At the ends of what is looked at together.
    @Test(arguments: [0, 4095, 4096, 8191, 8192, 9999])
    func theFirstNonFiniteNumberIsFound(_ index: Int) throws {
        let tensor = try Tensor<Float>(shape: [10_000]) { elements in
            for place in elements.indices {
                elements[place] = place >= index ? -.infinity : -.greatestFiniteMagnitude
            }
        }
        let error = #expect(throws: NonLocalError.self) { try requireFinite(tensor, "x") }
        #expect(error?.message.contains("-inf at flat index \(index)") == true)
        let finite = try Tensor<Float>(repeating: -.greatestFiniteMagnitude, shape: [8193])
        try requireFinite(finite, "x")
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity], Engine.all)
    func whatIsNotFiniteIsRefusedUnlessAllowed(_ value: Float, _ engine: Engine) throws {
        let problem = BlockCase([2, 4, 3, 5])
        let block = try problem.block()
        var x = try problem.input()
        try x.withUnsafeMutableBufferPointer { $0[71] = value }
        let strict = try block.prepared(for: problem.shape, on: engine.session())
        for call in [
            { _ = try strict(x) }, { _ = try strict.run(x, queries: [1]) }, { _ = try strict.attention(x) },
        ] {
            let error = failure(.nonFinite, call)
            #expect(error?.message.contains("[2, 4, 3, 5] holds \(value) at flat index 71") == true)
            #expect(error?.advice.contains("allowNonFinite: true") == true)
        }
        let lenient = try block.prepared(for: problem.shape, on: engine.session(), allowNonFinite: true)
        let z = try lenient(x).elements
        #expect(z[60...].contains { $0.isNaN }, "the item with it")
        #expect(!z[..<60].contains { !$0.isFinite }, "the other item is as ever")
    }

    @Test(arguments: Engine.all)
    func anotherShapeThanPreparedForIsRefused(_ engine: Engine) throws {
        let prepared = try BlockCase([1, 4, 9]).prepared(on: engine)
        let error = failure(.shape) { _ = try prepared(Tensor(repeating: 0, shape: [1, 4, 8])) }
        #expect(error?.message.contains("[1, 4, 8] was given to a block prepared for [1, 4, 9]") == true)
    }

    /// Shapes alone, for which nobody has the memory: refused, not computed with.
    @Test(
        arguments: [
            [1, 1, 1 << 62], [1, 1, 1 << 31, 1 << 30], [1 << 40, 1, 1 << 20], [1, 1, 1 << 31, 1, 1],
        ], Engine.all)
    func absurdShapesAreRefused(_ shape: [Int], _ engine: Engine) throws {
        for scope in shape.count == 5 ? Scope.allCases : [.spacetime] {
            let block = try BlockCase([1, 1, 3], inner: 1000, value: 1000) { $0.scope = scope }.block()
            #expect(throws: NonLocalError.self) {
                _ = try block.prepared(for: shape, on: engine.session(), memoryLimit: 1 << 40)
            }
        }
        let operation = NonLocalOperation()
        #expect(throws: NonLocalError.self) {
            _ = try operation.prepared(
                for: OperationShape(operation, theta: shape, phi: shape, g: shape), on: engine.session())
        }
    }

    @Test func operandsThatDoNotFitAreRefused() {
        let outer = Pairwise.concatenation
        for (code, operation, theta, phi, g) in [
            (.shape, NonLocalOperation(), [1, 4], [1, 4, 3], [1, 4, 3]),
            (.shape, NonLocalOperation(), [1, 4, 3], [1, 5, 3], [1, 4, 3]),
            (.shape, NonLocalOperation(), [1, 4, 3], [2, 4, 3], [1, 4, 3]),
            (.shape, NonLocalOperation(), [1, 4, 3], [1, 4, 5], [1, 4, 3]),
            (.shape, NonLocalOperation(), [1, 4, 0], [1, 4, 3], [1, 4, 3]),
            (.weights, NonLocalOperation(pairwise: outer), [1, 4, 3], [1, 4, 3], [1, 4, 3]),
            (.configuration, NonLocalOperation(ownWeight: .exclude), [1, 4, 3], [1, 4, 2], [1, 4, 2]),
            (.configuration, NonLocalOperation(ownWeight: .exclude), [1, 4, 1], [1, 4, 1], [1, 4, 1]),
            (
                .configuration, NonLocalOperation(scale: .factor(.infinity)), [1, 4, 3], [1, 4, 3], [1, 4, 3]
            ),
        ] as [(NonLocalError.Code, NonLocalOperation, [Int], [Int], [Int])] {
            _ = failure(code) { _ = try operation.prepared(theta: theta, phi: phi, g: g, backend: .cpu) }
        }
    }

    @Test(.needsDevice) func noSuchDeviceListsWhatThereIs() throws {
        let problem = BlockCase([1, 2, 3])
        let (block, x) = try (problem.block(), problem.input())
        let error = try #require(throws: OpenCLError.self) {
            _ = try block(x, backend: .opencl(.named("no such device")))
        }
        #expect(error.reason == .noMatch)
        #expect(error.description.contains("no OpenCL device matches 'no such device'; there are\n0: "))
        let name = try TestDevice.session().device.name
        #expect(error.description.contains(name))
        _ = try #require(throws: OpenCLError.self) { _ = try block(x, backend: .opencl(.index(999))) }
    }
}
