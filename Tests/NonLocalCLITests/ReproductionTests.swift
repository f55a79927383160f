import ArgumentParser
import Testing

@testable import NonLocal
@testable import NonLocalCLI

/// The command that a mismatch's advice names is one that `bench` takes, and means the same block.
@Suite struct ReproductionTests {
    private static let configurations: [NonLocalBlock.Configuration] = [
        .init(channels: 8),
        .init(channels: 8, innerChannels: 3, valueChannels: 5, pairwise: .gaussian, subsample: .convFirst),
        .init(channels: 8, pairwise: .dotProduct, subsample: .poolFirst, scale: .inverseSquareRoot),
        .init(
            channels: 8, subsample: .poolFirst, pool: .flat(3), scale: .factor(0.25), layout: .channelsLast),
        .init(channels: 8, subsample: .convFirst, pool: .window(t: 2, h: 1, w: 3), scope: .space),
        .init(channels: 8, pairwise: .concatenation),
        .init(channels: 8, ownWeight: .strongest),
    ]

    @Test(arguments: configurations) func isTaken(_ configuration: NonLocalBlock.Configuration) throws {
        let options = try #require(configuration.commandOptions)
        let words = options.split(separator: " ").map(String.init)
        let bench = try #require(
            try NonLocalCommand.parseAsRoot(["bench", "--shape", "1x8x4x4x4"] + words) as? Bench)
        var parsed = NonLocalBlock.Configuration(
            channels: 8, innerChannels: bench.inner, valueChannels: bench.valueChannels,
            pairwise: bench.block.pairwise?.pairwise ?? .embeddedGaussian)
        try bench.block.apply(to: &parsed)
        #expect(parsed == configuration)
    }

    @Test func aMismatchNamesIt() throws {
        let configuration = NonLocalBlock.Configuration(channels: 4, subsample: .convFirst)
        let weights = try BlockWeights.random(for: configuration, seed: 1, zeroInitialized: false)
        let plan = try NonLocalBlock(configuration, weights: weights)
            .prepared(for: [1, 4, 6, 6], backend: .cpu).plan
        let mismatch = Mismatch(
            stage: .pooledG, item: 0, row: 1, channel: 2, expected: 1, actual: 2, relativeError: 1,
            tolerance: 1e-6)
        let error = NonLocalError(mismatch, plan, configuration)
        #expect(error.message.hasPrefix("g as 'cpu' pooled it differs from the reference: item 0, key 1"))
        #expect(
            error.advice.contains(
                "`nonlocal bench --shape 1x4x6x6 --pairwise embedded-gaussian --subsample conv-first "))
        #expect(!NonLocalError(mismatch, plan).advice.contains("bench"))
    }
}
