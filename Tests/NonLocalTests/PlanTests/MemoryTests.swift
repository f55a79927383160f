import Testing

@testable import NonLocal

/// A memory limit changes how the work is cut, not what comes out.
@Suite(.needsDevice) struct MemoryTests {
    static let problems = [
        BlockCase([3, 4, 150]), BlockCase([5, 4, 9, 9], normGroups: 2) { $0.subsample = .convFirst },
        BlockCase([4, 3, 5, 4, 6]) { $0.scope = .space }, BlockCase([4, 3, 8, 4, 6]) { $0.scope = .time },
        BlockCase([4, 11, 13, 4], layout: .channelsLast) { $0.pairwise = .concatenation },
        BlockCase([3, 4, 131]) { $0.ownWeight = .strongest },
    ]

    /// The smallest limit with which a case runs, found by trying.
    private func smallestLimit(_ problem: BlockCase) throws -> Int {
        let block = try problem.block()
        var (low, high) = (0, 1 << 24)
        while high - low > 4 {
            let middle = (low + high) / 2
            do {
                _ = try block.prepared(
                    for: problem.shape, on: TestDevice.session(), strategy: .staged, memoryLimit: middle)
                high = middle
            } catch let error as NonLocalError where error.code == .memory {
                low = middle
            }
        }
        return high
    }

    @Test(arguments: problems)
    func aSmallLimitGivesTheSameResult(_ problem: BlockCase) throws {
        let block = try problem.block()
        let session = try TestDevice.session()
        let x = try problem.input()
        let whole = try block.prepared(for: problem.shape, on: session, strategy: .staged)
        let z = try whole(x)
        let map = try whole.attention(x)
        let smallest = try smallestLimit(problem)
        var cuts: Set<[Int]> = []
        for limit in [smallest, smallest + 400, smallest * 5 / 4, smallest * 2, smallest * 4] {
            let prepared = try block.prepared(
                for: problem.shape, on: session, strategy: .staged, memoryLimit: limit)
            let plan = prepared.plan
            #expect(plan.peakMemory <= limit && plan.memoryLimit == limit)
            #expect(plan.allocations.reduce(0) { $0 + $1.bytes } == plan.peakMemory)
            cuts.insert([plan.itemsPerSlice, plan.groupsPerBlock ?? 0, plan.rowsPerBlock ?? 0])
            let result = try prepared.run(x)
            expectSameBits(result.output.elements, z.elements, "limit \(limit)")
            expectSameBits(try prepared.attention(x).elements, map.elements, "map, limit \(limit)")
            let last = problem.shape[0] > 1 ? [0, 40, 3, 41] : [0]
            expectSameBits(
                try prepared.run(x, queries: last).output.elements,
                try whole.run(x, queries: last).output.elements,
                "queries, limit \(limit)")
        }
        #expect(cuts.count >= 3, "the limits made no difference: \(cuts)")
        let plan = try block.prepared(
            for: problem.shape, on: session, strategy: .staged, memoryLimit: smallest
        ).plan
        #expect(plan.itemsPerSlice == 1 && plan.groupsPerBlock == 1)
    }

    @Test(arguments: [0, -1, Int.min, 1, 1000])
    func tooSmallALimitSaysWhatIsNeeded(_ limit: Int) throws {
        let problem = BlockCase([2, 4, 300])
        let error = failure(.memory) {
            _ = try problem.block().prepared(
                for: problem.shape, on: TestDevice.session(), strategy: .staged, memoryLimit: limit)
        }
        #expect(error?.message.contains("the limit is \(limit)") == true, "\(String(describing: error))")
        let needed = try #require(
            error?.message.split(separator: " ").compactMap { Int($0) }.first, "no number in the message")
        #expect(error?.advice.contains("Raise the memory limit") == true)
        _ = try problem.block().prepared(
            for: problem.shape, on: TestDevice.session(), strategy: .staged, memoryLimit: needed)
        _ = failure(.memory) {
            _ = try problem.block().prepared(
                for: problem.shape, on: TestDevice.session(), strategy: .staged, memoryLimit: needed - 4)
        }
    }

    @Test func theBareOperationKeepsToItsLimit() throws {
        let x = try Tensor<Float>.normal(shape: [3, 4, 200], seed: 1)
        let operation = NonLocalOperation(scale: .factor(0.3))
        let shape = try OperationShape(operation, theta: x.shape, phi: x.shape, g: x.shape)
        let session = try TestDevice.session()
        let whole = try operation.prepared(for: shape, on: session, strategy: .staged)
        let y = try whole(theta: x, phi: x, g: x)
        let cut = try operation.prepared(
            for: shape, on: session, strategy: .staged, memoryLimit: whole.plan.peakMemory / 4)
        #expect(cut.plan.peakMemory <= whole.plan.peakMemory / 4)
        #expect((cut.plan.rowsPerBlock ?? 0) * (cut.plan.groupsPerBlock ?? 0) < 600)
        expectSameBits(try cut(theta: x, phi: x, g: x).elements, y.elements)
        let error = failure(.memory) {
            _ = try operation.prepared(for: shape, on: session, strategy: .staged, memoryLimit: 100)
        }
        #expect(error?.message.contains("the limit is 100") == true)
    }
}
