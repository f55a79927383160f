import Foundation
import NonLocalKernels
import SwiftOpenCL
import Testing

@testable import NonLocal

private let missingBarrier = ProcessInfo.processInfo.environment["NONLOCAL_MISSING_BARRIER"]

/// Runs the tile kernels with one of their barriers left out, or with all of them: `Scripts/oclgrind-barriers` has
/// Oclgrind find a data race, or none. A CPU device takes one work-item after the other and hides what is missing.
@Suite(.enabled(if: missingBarrier != nil, "NONLOCAL_MISSING_BARRIER names none"))
struct TileBarrierTests {
    private static let barrier = TileMutationTests.barrier
    /// Several slices of channels and several blocks of keys.
    private static let attention = BlockCase([1, 20, 40], inner: 20, value: 3)
    private static let staged = BlockCase([1, 20, 9])
    private static let gram = BlockCase([1, 3, 20]) { $0.pairwise = .dotProduct }
    private static let sorted = BlockCase([1, 2, 150]) { $0.pairwise = .concatenation }

    static let mutations = [
        TileMutationTests.Mutation(
            .tile, "\(barrier) /* until nobody reads the slices before */", "", staged),
        .init(.tile, "columnStrides);\n        \(barrier)", "columnStrides);", staged),
        .init(.tileSoftmax, "sums[lane][column] = sum;\n    \(barrier)", "sums[lane][column] = sum;", staged),
        .init(.tileAttention, "\(barrier) /* until nobody reads the slices */", "", attention, .fused),
        .init(.tileAttention, "= greatest;\n        \(barrier)", "= greatest;", attention, .fused),
        .init(
            .tileAttention,
            "\(barrier) /* until nobody reads the slice before, and all weights are there */", "", attention,
            .fused),
        .init(
            .tileAttention, "put(slice, next, strides);\n        \(barrier)", "put(slice, next, strides);",
            attention, .fused),
        .init(
            .tileAttention, "\(barrier)\n    slices[row * SIDE + column] = l;",
            "slices[row * SIDE + column] = l;", attention, .fused),
        .init(.tileAttention, "= l;\n    \(barrier)", "= l;", attention, .fused),
        .init(.tileSort, "\(barrier) /* until the step before is done */", "", sorted, .sorted),
        .init(.tileSort, "\(barrier) /* until the last step is done */", "", sorted, .sorted),
        .init(.tileSortedAggregate, barrier, "", sorted, .sorted),
        .init(.tileCentre, "\(barrier) /* until nobody reads the sum before */", "", gram, .reassociated),
        .init(.tileCentre, "\(barrier) /* until the sums before are there */", "", gram, .reassociated),
        .init(.tileCentre, "\(barrier) /* until the last sum is there */", "", gram, .reassociated),
        .init(.tilePack, barrier, "", attention, .fused, precision: .float16),
    ]

    @Test func isMissed() throws {
        guard let index = missingBarrier.flatMap({ Int($0) }) else {
            for mutation in Self.mutations { try run(mutation, on: TestDevice.session()) }
            return
        }
        let mutation = try #require(Self.mutations.indices.contains(index) ? Self.mutations[index] : nil)
        let session = try TestDevice.session(
            planting: mutation.replacement, for: mutation.text, in: mutation.source)
        try run(mutation, on: session)
    }

    /// As the script counts them.
    @Test func areSixteen() { #expect(Self.mutations.count == 16) }

    private func run(_ mutation: TileMutationTests.Mutation, on session: OpenCLSession) throws {
        // Whether the numbers are right depends on the order in which it takes work-items.
        let prepared = try mutation.prepared(on: session)
        _ = try? prepared.run(mutation.problem.input())
    }
}
