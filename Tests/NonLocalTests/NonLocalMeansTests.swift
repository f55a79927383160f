import Foundation
import Testing

@testable import NonLocal

@Suite struct PatchesTests {
    @Test(arguments: [(1, [1, 1, 1]), (3, [3, 5, 7]), (5, [1, 2, 9]), (7, [2, 4, 1]), (15, [1, 3, 3])])
    func averagingUntouchedPatchesGivesThePictureBack(side: Int, shape: [Int]) throws {
        let picture = try Tensor<Float>.normal(shape: shape, mean: 128, deviation: 40, seed: 1)
        let patches = Patches(side: side, shape: shape)
        let values = try patches.extracted(from: picture)
        #expect(values.shape == [side * side * shape[0], shape[1], shape[2]])
        // Each pixel is a mean of equal numbers, rounded once.
        #expect(try patches.averaged(values) == picture)
    }

    @Test func bordersAreMirrored() throws {
        let picture = try Tensor<Float>(shape: [1, 3, 3], elements: [0, 1, 2, 3, 4, 5, 6, 7, 8])
        let values = try Patches(side: 3, shape: picture.shape).extracted(from: picture)
        let corner = (0..<9).map { values[$0, 0, 0] }
        #expect(corner == [4, 3, 4, 1, 0, 1, 4, 3, 4])
        let middle = (0..<9).map { values[$0, 1, 1] }
        #expect(middle == [0, 1, 2, 3, 4, 5, 6, 7, 8])
    }

    @Test func aPixelIsTheMeanOfItsEstimates() throws {
        let patches = Patches(side: 3, shape: [1, 1, 5])
        // The patch at x says x for all of its pixels.
        let values = try Tensor<Float>(
            shape: [9, 1, 5], elements: (0..<9).flatMap { _ in (0..<5).map(Float.init) })
        // Pixel 0 is seen from 0 and 1, pixel 1 from 0 (twice, by its mirror image), 1 and 2.
        let mean = try patches.averaged(values).elements
        #expect(zip(mean, [0.5, 0.75, 2, 3.25, 3.5]).allSatisfy { abs($0 - $1) < 1e-6 }, "\(mean)")
    }
}

@Suite struct PrincipalComponentsTests {
    @Test func aKnownMatrixIsTakenApart() {
        // 2 − 2 cos(k π / 4) for k = 1, 2, 3.
        let system = SymmetricEigensystem([2, -1, 0, -1, 2, -1, 0, -1, 2], size: 3)
        let expected = [2 + 2.0.squareRoot(), 2, 2 - 2.0.squareRoot()]
        #expect(zip(system.values, expected).allSatisfy { abs($0 - $1) < 1e-14 }, "\(system.values)")
        let middle = [0.5, 0, -0.5].map { $0 * 2.0.squareRoot() }
        let vector = system.vectors[1][0] > 0 ? system.vectors[1] : system.vectors[1].map(-)
        #expect(zip(vector, middle).allSatisfy { abs($0 - $1) < 1e-14 }, "\(vector)")
    }

    @Test(arguments: [1, 2, 27, 75]) func vectorsAreEigenvectors(size: Int) throws {
        let random = try Tensor<Double>(
            shape: [size, size],
            elements: Tensor<Float>.normal(shape: [size, size], seed: 3).elements.map(Double.init)
        ).elements
        let matrix = (0..<size * size).map { random[$0] + random[$0 % size * size + $0 / size] }
        let system = SymmetricEigensystem(matrix, size: size)
        #expect(system.values == system.values.sorted(by: >))
        for (value, vector) in zip(system.values, system.vectors) {
            for row in 0..<size {
                let product = (0..<size).reduce(0) { $0 + matrix[row * size + $1] * vector[$1] }
                #expect(abs(product - value * vector[row]) < 1e-12 * Double(size))
            }
        }
        for other in 0..<size {
            let product = zip(system.vectors[0], system.vectors[other]).reduce(0) { $0 + $1.0 * $1.1 }
            #expect(abs(product - (other == 0 ? 1 : 0)) < 1e-13)
        }
    }

    @Test(arguments: [5, 8, 1003]) func directionsOfKnownVariance(count: Int) throws {
        // Along (3, 4)/5 with the given coordinates, and (4, −3)/5 with a tenth of them in another order.
        let along = (0..<count).map { Double($0) - Double(count - 1) / 2 }
        let across = along.map { abs($0) * 0.1 }
        let x = zip(along, across).map { Float(0.6 * $0 + 0.8 * $1 + 100) }
        let y = zip(along, across).map { Float(0.8 * $0 - 0.6 * $1 - 7) }
        let components = PrincipalComponents(of: try Tensor(shape: [2, count], elements: x + y), count: 5)
        let variance = along.reduce(0) { $0 + $1 * $1 } / Double(count)
        #expect(components.directions.count == 2)
        #expect(abs(components.variances[0] / variance - 1) < 1e-5)
        #expect(abs(components.directions[0][0] - 0.6) < 1e-5)
        #expect(abs(components.directions[0][1] - 0.8) < 1e-5)
        let projected = components.projected(try Tensor(shape: [2, count], elements: x + y))
        #expect(zip(projected[0], along).allSatisfy { abs($0 - $1) < 1e-4 * Double(count) })
    }
}

@Suite struct NoiseEstimateTests {
    @Test(arguments: [5.0, 10, 15, 20, 25, 30]) func clippedNoiseIsEstimatedWithinATenth(sigma: Double) throws
    {
        let noisy = try NonLocalMeans.addingNoise(to: syntheticPicture(side: 96), sigma: sigma, seed: 5)
        let estimate = try NonLocalMeans.estimatedNoise(in: noisy)
        #expect(abs(estimate / sigma - 1) < 0.1, "\(estimate) for \(sigma)")
    }

    @Test func aFlatPictureHasNone() throws {
        #expect(try NonLocalMeans.estimatedNoise(in: Tensor(repeating: 255, shape: [3, 5, 5])) == 0)
    }

    @Test func tooSmallAPictureIsRefused() throws {
        let error = #expect(throws: NonLocalError.self) {
            try NonLocalMeans.estimatedNoise(in: Tensor(repeating: 1, shape: [3, 4, 9]))
        }
        #expect(error?.code == .shape)
    }

    @Test func addedNoiseIsWhatWasAskedFor() throws {
        let grey = try Tensor<Float>(repeating: 128, shape: [1, 200, 200])
        let noisy = try NonLocalMeans.addingNoise(to: grey, sigma: 10, seed: 1)
        #expect(noisy.elements.allSatisfy { $0 == $0.rounded() && (0...255).contains($0) })
        // 20 log₁₀(255 / 10); of 40,000 samples the deviation is known within 1 %, or 0.1 dB.
        let ratio = try NonLocalMeans.peakSignalToNoise(of: noisy, against: grey)
        #expect(abs(ratio - 28.13) < 0.1, "\(ratio)")
        #expect(try NonLocalMeans.addingNoise(to: grey, sigma: 10, seed: 1) == noisy)
        #expect(try NonLocalMeans.addingNoise(to: grey, sigma: 10, seed: 2) != noisy)
    }
}

@Suite struct NonLocalMeansTests {
    @Test func affinitiesAreGaussianInTheDistanceOfFeatures() throws {
        let picture = try syntheticPicture(side: 8)
        let values = try Patches(side: 3, shape: picture.shape).extracted(from: picture)
        let (theta, phi) = try NonLocalMeans(components: 4).embedding(of: values, bandwidth: 20)
        #expect(theta.shape == [1, 5, 8, 8])
        func product(_ i: Int, _ j: Int) -> Double {
            (0..<5).reduce(0) {
                $0 + Double(theta[0, $1, i / 8, i % 8]) * Double(phi[0, $1, j / 8, j % 8])
            }
        }
        for (i, j) in [(0, 63), (9, 10), (17, 40)] {
            let distance = (0..<4).reduce(0.0) {
                let difference = Double(theta[0, $1, i / 8, i % 8]) - Double(theta[0, $1, j / 8, j % 8])
                return $0 + difference * difference
            }
            #expect(abs(product(i, j) - product(i, i) + distance / 2) < 1e-4 * (1 + distance))
        }
    }

    @Test(.disabled(if: ProcessInfo.processInfo.environment["NONLOCAL_TESTS_WITHOUT_DEVICE"] == "1"))
    func bothBackendsRemoveNoiseAlike() throws {
        let clean = try syntheticPicture(side: 20)
        let noisy = try NonLocalMeans.addingNoise(to: clean, sigma: 20, seed: 9)
        let means = NonLocalMeans(sigma: 20)
        let device = try means.denoise(noisy, backend: .opencl, validation: .full)
        let reference = try means.denoise(noisy, backend: .cpu)
        #expect(device.operation?.validation.rows == 20 * 20)
        #expect(device.plan?.backend == "opencl")
        let largest = zip(device.picture.elements, reference.picture.elements).map { abs($0 - $1) }.max()
        // Affinities of some hundreds are rounded to 2⁻¹⁵, so that weights differ by 10⁻⁴ and values of 255 by
        // 10⁻² at the very most.
        #expect(try #require(largest) < 0.01)

        let before = try NonLocalMeans.peakSignalToNoise(of: noisy, against: clean)
        let after = try NonLocalMeans.peakSignalToNoise(of: device.picture, against: clean)
        #expect(after > before + 4, "\(before) dB before, \(after) dB after")
    }

    /// Each frame, or each pixel's column, by itself: with all components the basis does not matter.
    @Test(arguments: [Scope.space, .time]) func scopesAreClipsOfTheirOwn(_ scope: Scope) throws {
        let (frames, side) = (3, 6)
        let clip = try Tensor<Float>.normal(
            shape: [2, frames, side, side], mean: 100, deviation: 20, seed: 4)
        // A patch of one pixel has no neighbours to mirror.
        let means = NonLocalMeans(patch: scope == .time ? 1 : 3, components: 99, sigma: 15)
        let together = try means.denoise(clip, scope: scope, backend: .cpu).picture
        #expect(together.shape == clip.shape)
        func part(_ tensor: Tensor<Float>, _ index: Int) throws -> Tensor<Float> {
            try scope == .space
                ? Tensor(
                    shape: [2, 1, side, side],
                    elements: (0..<2 * side * side).map {
                        tensor[$0 / (side * side), index, $0 / side % side, $0 % side]
                    })
                : Tensor(
                    shape: [2, frames, 1, 1],
                    elements: (0..<2 * frames).map {
                        tensor[$0 / frames, $0 % frames, index / side, index % side]
                    })
        }
        for index in 0..<(scope == .space ? frames : side * side) {
            let alone = try means.denoise(part(clip, index), backend: .cpu).picture
            let largest = zip(try part(together, index).elements, alone.elements).map { abs($0 - $1) }.max()
            #expect(try #require(largest) < 0.01, "\(scope) \(index)")
        }
    }

    @Test func aPictureHasNoScopes() throws {
        let error = #expect(throws: NonLocalError.self) {
            try NonLocalMeans(sigma: 9).denoise(syntheticPicture(side: 8), scope: .space, backend: .cpu)
        }
        #expect(error?.code == .configuration)
    }

    /// The block's y is what `denoise` takes the mean of: its z holds the same estimates of patches.
    @Test(arguments: Engine.all) func aBlockComparesTheSamePatches(_ engine: Engine) throws {
        let clip = try Tensor<Float>.normal(shape: [1, 2, 5, 6], mean: 100, deviation: 20, seed: 4)
        let means = NonLocalMeans(patch: 3, components: 4, strength: 1.5, sigma: 10)
        // h = strength · σ, spread over the 9 values of a patch.
        let comparison = try means.comparison(of: clip, bandwidth: .levels(1.5 * 10 / 3))
        let (block, x) = (comparison.block, comparison.x)
        #expect(x.shape == [1, 4 + 2 + 9, 2, 5, 6])
        let z = try block(x, backend: engine == .opencl ? .opencl : .cpu)
        let estimates = try Tensor<Float>(
            shape: [9, 2, 5, 6], elements: Array(z.elements.suffix(9 * 60)))
        let picture = try Patches(side: 3, shape: clip.shape).averaged(estimates)
        let expected = try means.denoise(clip, backend: .cpu).picture
        let largest = zip(picture.elements, expected.elements).map { abs($0 - $1) }.max()
        #expect(try #require(largest) < 0.01)
        #expect(z.elements.prefix(6 * 60).allSatisfy { $0 == 0 })
    }

    /// The weights themselves, by the device, are spread over the share that was asked for.
    @Test(arguments: [0.05, 0.3]) func aBandwidthGivesItsShare(_ share: Double) throws {
        let clip = try syntheticPicture(side: 24)
        let queries = [GridPosition(h: 12, w: 12), .init(h: 3, w: 20), .init(h: 20, w: 3)]
        let comparison = try NonLocalMeans(patch: 3, ownWeight: .include).comparison(
            of: clip, bandwidth: .share(share, from: queries))
        let maps = try AttentionMaps(of: comparison.block, comparison.x, at: queries, backend: .cpu)
        let keys = 24 * 24
        let logarithms = queries.indices.map { query in
            let squares = (0..<keys).reduce(0.0) {
                $0 + Double(maps.values[query, $1]) * Double(maps.values[query, $1])
            }
            return log(1 / squares / Double(keys))
        }
        #expect(abs(exp(logarithms.reduce(0, +) / 3) / share - 1) < 0.01)
        // A plain picture has no distances to find one from.
        let plain = try Tensor<Float>(repeating: 7, shape: [1, 6, 6])
        #expect(
            try NonLocalMeans().comparison(of: plain, bandwidth: .share(0.1, from: [.init(h: 0, w: 0)]))
                .bandwidth > 0)
    }

    @Test(arguments: [
        PatchComparison.Bandwidth.levels(0), .levels(.nan), .share(0, from: [.init(h: 0, w: 0)]),
        .share(0.5, from: []), .share(0.5, from: [.init(h: 8, w: 0)]),
    ]) func bandwidthsOutOfRangeAreRefused(_ bandwidth: PatchComparison.Bandwidth) throws {
        let error = #expect(throws: NonLocalError.self) {
            try NonLocalMeans().comparison(of: syntheticPicture(side: 8), bandwidth: bandwidth)
        }
        #expect(error?.code == .configuration)
    }

    @Test func withoutNoiseThePictureComesBack() throws {
        let picture = try syntheticPicture(side: 8)
        #expect(try NonLocalMeans(sigma: 0).denoise(picture, backend: .cpu).picture == picture)
        let pixel = try Tensor<Float>(repeating: 3, shape: [1, 1, 1])
        #expect(try NonLocalMeans(sigma: 9).denoise(pixel, backend: .cpu).picture == pixel)
    }

    @Test(arguments: [
        NonLocalMeans(patch: 4), NonLocalMeans(patch: -1), NonLocalMeans(patch: 17),
        NonLocalMeans(components: 0),
        NonLocalMeans(strength: 0), NonLocalMeans(strength: .nan), NonLocalMeans(sigma: -1),
        NonLocalMeans(sigma: .infinity),
    ]) func optionsOutOfRangeAreRefused(means: NonLocalMeans) throws {
        let error = #expect(throws: NonLocalError.self) {
            try means.denoise(syntheticPicture(side: 8), backend: .cpu)
        }
        #expect(error?.code == .configuration)
    }

    @Test(arguments: [[8, 8], [3, 0, 8], [3, 0, 8, 8], [1, 1, 3, 8, 8]])
    func otherShapesAreRefused(shape: [Int]) throws {
        let error = #expect(throws: NonLocalError.self) {
            try NonLocalMeans(sigma: 1).denoise(Tensor(repeating: 1, shape: shape), backend: .cpu)
        }
        #expect(error?.code == .shape)
    }
}

/// Slopes, a bright disc with stripes, and corners that are black and white: `[3, side, side]`.
private func syntheticPicture(side: Int) throws -> Tensor<Float> {
    let scale = 1 / Double(side)
    return try Tensor(
        shape: [3, side, side],
        elements: (0..<3 * side * side).map { index in
            let (y, x) = (Double(index / side % side) * scale, Double(index % side) * scale)
            let channel = Double(index / side / side)
            let inDisc = (x - 0.5) * (x - 0.5) + (y - 0.5) * (y - 0.5) < 0.06
            let stripes = inDisc && Int(x * 16) % 2 == 0 ? 60.0 : 0
            let level = 60 + 110 * x + 20 * channel + (inDisc ? 40 : 0) + stripes
            return Float(x + y < 0.3 ? 0 : x + y > 1.8 ? 255 : level)
        })
}
