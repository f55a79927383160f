// What two positions of a clip attend to, though the keys are pooled and fewer than the positions.

import NonLocal

let configuration = NonLocalBlock.Configuration(
    channels: 16, subsample: .poolFirst, scale: .inverseSquareRoot)
let weights = try BlockWeights.random(for: configuration, seed: 1, zeroInitialized: false)
let block = try NonLocalBlock(configuration, weights: weights)
let x = try Tensor<Float>.normal(shape: [1, 16, 4, 12, 20], seed: 2)

let queries = [GridPosition(t: 0, h: 3, w: 4), GridPosition(t: 3, h: 10, w: 15)]
let maps = try AttentionMaps(of: block, x, at: queries)
print("\(maps.extents) positions, \(maps.keyExtents) keys")

for index in queries.indices {
    print("\(queries[index]) attends most to")
    for peak in maps.strongest(3, of: index) {
        print("  frame \(peak.t), row \(peak.h), column \(peak.w): \(peak.value)")
    }
    // [T, H, W] over the positions of x, to be drawn over its frames.
    let heat = try maps.overPositions(index)
    print("  the largest number in frame 0: \(heat.elements.prefix(12 * 20).max() ?? 0)")
}

// Near 1 the maps don't depend on the query. What a key adds may differ from its weight.
print("overlap \(maps.overlap ?? 0)")
let added = try AttentionMaps(of: block, x, at: queries, quantity: .contribution)
print("overlap of the contributions \(added.overlap ?? 0)")
