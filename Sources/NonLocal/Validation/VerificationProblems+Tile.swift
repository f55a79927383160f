import Foundation
import SwiftOpenCL

extension VerificationProblems {
    /// The tile kernels by themselves, where they are to be verified: with the tile to take first and the
    /// smallest one, products also with the smallest of several quads, at sizes around theirs.
    var tileProblems: [Problem] {
        // What the warp kernels don't do is for the tile kernels; where they are forced upon another device, not.
        guard kernels == .tile || (kernels == .warp && session.device.hasTensorCores) else { return [] }
        let tiles = GroupTile.candidates(session.device)
        let both = tiles.count > 1 ? [tiles[0], tiles[tiles.count - 1]] : tiles
        let ofProducts = both + tiles.filter { $0.quads > 1 }.suffix(1)
        return ofProducts.flatMap(productProblems) + softmaxProblems + centreProblems
            + both.flatMap(attentionProblems) + both.flatMap(tileSumProblems)
            + both.flatMap(tileSortedProblems)
    }

    /// What a family has to get right before it is used.
    func trial(of family: KernelFamily) -> Problem {
        switch family {
        case .tileProduct(let tile, let precision):
            tileProduct(
                tile, rows: [tile.tile / 2, tile.tile], terms: 131, columns: tile.tile + 3,
                precision: precision)
        case .tileSoftmax(let precision): tileSoftmax(keys: 71, rows: 19, precision)
        case .tileCentre: tileCentre(channels: 3, positions: 131)
        case .tileAttention(let tile, let values, let precision):
            tileAttention(
                tile, width: tile.depth + 3, values: tile.block * values - 1, rows: tile.block + 2,
                keys: tile.block + 5, precision: precision)
        case .tileSorted(let tile):
            tileSorted(tile, channels: 66, keys: GroupTile.sortRun + 9, rows: 67)
        case .warpProduct(let arithmetic): warpProduct(arithmetic, 70, 9, 130)
        case .warpStages(let arithmetic): warpStages(arithmetic, 37, 19, 130, 9)
        case .warpAttention(let variant):
            warpAttention(
                variant.arithmetic, variant.width - 1, variant.values - 1, variant.tile.blockRows + 3,
                2 * variant.tile.keys + 5, tile: variant.tile)
        }
    }

    private static let stored = [Precision.float16, .bfloat16]

    private func productProblems(_ tile: GroupTile) -> [Problem] {
        Self.stored.flatMap { precision in
            [
                tileProduct(
                    tile, rows: [5, tile.tile, 2], terms: tile.depth + 3, columns: 7, channelsLast: true,
                    precision: precision),
                tileProduct(
                    tile, rows: [7], terms: tile.depth + 1, columns: tile.tile + 1, residual: true,
                    precision: precision),
            ]
        } + [
            tileProduct(tile, rows: [1], terms: 1, columns: 1),
            tileProduct(tile, rows: [tile.tile - 1], terms: tile.depth, columns: tile.tile + 1),
            tileProduct(tile, rows: [5, tile.tile, 2], terms: 131, columns: 7, channelsLast: true),
            tileProduct(tile, rows: [7], terms: tile.depth + 1, columns: tile.tile, residual: true),
            tileDistance(tile, rows: 9, terms: tile.depth + 1, columns: 5),
            tileShares(tile, rows: 3, terms: 700, columns: 5),
            tileSymmetric(tile, rows: 1, terms: 1),
            tileSymmetric(tile, rows: 2 * tile.tile + 3, terms: tile.depth + 1),
            tileSymmetric(tile, rows: tile.tile + 1, terms: 700, cores: 10),
        ]
    }

    private var centreProblems: [Problem] {
        [(1, 1), (2, 63), (5, 65), (3, 259)].flatMap { channels, positions in
            [true, false].map { tileCentre(channels: channels, positions: positions, moments: $0) }
        }
    }

    private var softmaxProblems: [Problem] {
        [(1, 1), (5, 17), (259, 3)].flatMap { keys, rows in
            ([.float32] + Self.stored).map { tileSoftmax(keys: keys, rows: rows, $0) }
        }
    }

    private func attentionProblems(_ tile: GroupTile) -> [Problem] {
        let block = tile.block
        let own = [OwnWeight.exclude, .strongest].map {
            tileAttention(tile, width: 5, values: 3, rows: block + 1, keys: block + 1, ownWeight: $0)
        }
        let stored = Self.stored.flatMap { precision in
            [
                tileAttention(
                    tile, width: tile.depth + 1, values: block + 1, rows: block - 1, keys: 2 * block + 1,
                    precision: precision),
                tileAttention(
                    tile, width: 9, values: 6, rows: 5, keys: 3 * block + 1, scale: -0.25, cores: 6,
                    precision: precision),
                tileAttention(
                    tile, width: 5, values: 3, rows: block + 1, keys: block + 1, ownWeight: .strongest,
                    precision: precision),
            ]
        }
        return own + stored + [
            tileAttention(tile, width: 1, values: 1, rows: 1, keys: 1),
            tileAttention(
                tile, width: tile.depth + 1, values: block + 1, rows: block - 1, keys: 2 * block + 1),
            tileAttention(tile, width: 7, values: 5 * block, rows: 3, keys: 9, scale: -1),
            tileAttention(tile, width: 9, values: 6, rows: 5, keys: 3 * block + 1, cores: 6),
            tileAttention(
                tile, width: 9, values: 6, rows: block + 1, keys: block + 1, ownWeight: .strongest, cores: 6),
        ]
    }

    /// Several maps of the same x, one below the other, with biases.
    private func tileProduct(
        _ tile: GroupTile, rows heights: [Int], terms: Int, columns: Int, channelsLast: Bool = false,
        residual: Bool = false, precision: Precision = .float32
    ) -> Problem {
        let rows = heights.reduce(0, +)
        let words = "\(tile.words), \(heights) × \(terms) × \(columns)"
        return stored("tile_product", words, terms: terms, precision) { launcher in
            let x = values(2, terms, columns), added = values(2, rows, columns)
            let maps = heights.map { height in
                Linear(
                    outputs: height, inputs: terms, weight: values(1, height, terms).map(Double.init),
                    bias: values(1, height, 1).map(Double.init))
            }
            var first = 0
            let target = try buffer(count: 2 * rows * columns)
            let views = heights.map { height in
                var view = View(target, channels: rows, positions: columns)
                view.offset = first * columns
                first += height
                return view
            }
            var from = try view(x, terms, columns)
            // The same numbers, read as if each position's channels lay side by side.
            if channelsLast {
                from = View(from.buffer, channels: terms, positions: columns, layout: .channelsLast)
            }
            let projection = try TileProjection(session, tile, precision)
            try projection.launch(
                launcher, projection.load(maps), from: from,
                residual: residual ? view(added, rows, columns) : nil, to: views, positions: columns,
                items: 2,
                TileProjection.Room(
                    image: buffer(count: GroupTile.packed(x.count)), limits: buffer(count: 2), misfits: nil))
            let expected = (0..<2).flatMap { item in
                maps.flatMap { map in
                    pairs(map.outputs, columns) { row, column in
                        (0..<terms).reduce(map.bias[row]) { sum, term in
                            let place = channelsLast ? column * terms + term : term * columns + column
                            let value = Double(x[item * terms * columns + place])
                            return sum + map.weight[row * terms + term] * value
                        }
                    }
                }
            }
            return (target, residual ? zip(expected, added).map { $0 + Double($1) } : expected)
        }
    }

    private func tileDistance(_ tile: GroupTile, rows: Int, terms: Int, columns: Int) -> Problem {
        problem("tile_product", "\(tile.words), distances \(rows) × \(terms) × \(columns)", terms: terms) {
            let a = values(2, terms, rows), x = values(2, terms, columns)
            let target = try buffer(count: 2 * rows * columns)
            try TileProductKernels(session.library, tile, isDistance: true).launch(
                $0, view(a, terms, rows), view(x, terms, columns),
                to: [View(target, channels: rows, positions: columns)], heights: [rows],
                ProductSize(rows: rows, terms: terms, columns: columns, groups: 2))
            let expected = (0..<2).flatMap { item in
                pairs(rows, columns) { row, column in
                    (0..<terms).reduce(0) { sum, term in
                        let place = item * terms + term
                        let difference = Double(a[place * rows + row]) - Double(x[place * columns + column])
                        return sum - difference * difference
                    }
                }
            }
            return (target, expected)
        }
    }

    /// So many terms and so few sums that work-groups share the terms.
    private func tileShares(_ tile: GroupTile, rows: Int, terms: Int, columns: Int) -> Problem {
        problem("tile_product", "\(tile.words), shared \(rows) × \(terms) × \(columns)", terms: terms) {
            let tile = tile.with(cores: 4)
            let size = ProductSize(rows: rows, terms: terms, columns: columns, groups: 2)
            let a = values(2, rows, terms), x = values(2, columns, terms)
            let target = try buffer(count: 2 * rows * columns)
            try TileProductKernels(session.library, tile).launch(
                $0, view(a, rows, terms).transposed, view(x, columns, terms).transposed,
                to: View(target, channels: rows, positions: columns), factor: 0.5, size,
                shared: buffer(count: tile.productShares(size).shared))
            let expected = (0..<2).flatMap { item in
                pairs(rows, columns) { row, column in
                    (0..<terms).reduce(0) { sum, term in
                        let one = Double(a[(item * rows + row) * terms + term])
                        return sum + 0.5 * one * Double(x[(item * columns + column) * terms + term])
                    }
                }
            }
            return (target, expected)
        }
    }

    /// The product of a matrix with itself.
    private func tileSymmetric(_ tile: GroupTile, rows: Int, terms: Int, cores: Int = 1) -> Problem {
        let words = "\(tile.words), \(rows) rows squared, \(terms) terms\(cores > 1 ? ", shared" : "")"
        return problem("tile_product", words, terms: terms) {
            let tile = tile.with(cores: cores)
            let size = ProductSize(rows: rows, terms: terms, columns: rows, groups: 2)
            let x = values(2, rows, terms)
            let target = try buffer(count: 2 * rows * rows)
            let operand = try view(x, rows, terms).transposed
            try TileProductKernels(session.library, tile).launch(
                $0, operand, operand, to: View(target, channels: rows, positions: rows), factor: 0.5, size,
                shared: buffer(count: max(tile.productShares(size).shared, 1)), isSymmetric: true)
            let expected = (0..<2).flatMap { item in
                let x = field(x, item, rows, terms)
                return pairs(rows, rows) { row, column in
                    0.5 * (0..<terms).reduce(0.0) { $0 + x[row, $1] * x[column, $1] }
                }
            }
            return (target, expected)
        }
    }

    /// What `tile_centre` leaves of x: its moments, or x without the mean among them.
    private func tileCentre(channels: Int, positions: Int, moments isMoments: Bool = true) -> Problem {
        problem(
            "tile_centre", "\(channels) channels, \(positions) positions\(isMoments ? ", moments" : "")",
            terms: isMoments ? positions : 1
        ) { launcher in
            let x = values(2, channels, positions).map { $0 + 3 }
            let centred = try buffer(count: x.count)
            let moments = try buffer(count: 2 * (channels + 1) * TileCentreKernel.moments)
            try TileCentreKernel(session.library).launch(
                launcher, view(x, channels, positions), to: centred, moments: moments, channels: channels,
                positions: positions, groups: 2)
            try launcher.finish()
            let found = try session.queue.read(moments)
            let expected = (0..<2).flatMap { item -> [Double] in
                let x = field(x, item, channels, positions)
                // Rounded: the third moment is what that leaves.
                func mean(_ channel: Int) -> Double {
                    Double(found[(item * (channels + 1) + channel) * TileCentreKernel.moments + 1])
                }
                guard isMoments else { return pairs(channels, positions) { x[$0, $1] - mean($0) } }
                return (0..<channels).flatMap { channel -> [Double] in
                    let sum = (0..<positions).reduce(0.0) { $0 + x[channel, $1] }
                    return [sum, sum / Double(positions), sum - Double(positions) * mean(channel)]
                } + [Double(positions), 1, 0]
            }
            return (isMoments ? moments : centred, expected)
        }
    }

    private func tileSoftmax(keys: Int, rows: Int, _ precision: Precision) -> Problem {
        column("tile_softmax", keys, rows, precision) { launcher, scores, block in
            let kernels = try TileSoftmaxKernels(session.library, precision)
            guard precision != .float32 else {
                return try kernels.launch(launcher, scores, scale: -0.5, block)
            }
            let weights = try buffer(count: GroupTile.packed(block.count))
            try kernels.launch(launcher, scores, scale: -0.5, block, to: weights)
            try launcher.finish()
            let numbers = try session.queue.read(weights).stored(in: precision).prefix(block.count)
            // Weights are scaled for 1.
            try session.queue.write(numbers.map { $0 * 0x1p-13 }, to: scores)
        } expected: { scores in
            let least = scores.min() ?? 0
            let weights = scores.map { exp(-0.5 * ($0 - least)) }
            let sum = weights.reduce(0, +)
            return weights.map { $0 / sum }
        }
    }

    private func tileAttention(
        _ tile: GroupTile, width: Int, values channels: Int, rows: Int, keys: Int, scale: Double = 0.25,
        ownWeight: OwnWeight = .include, cores: Int = 1, precision: Precision = .float32
    ) -> Problem {
        var words = "\(tile.words), width \(width), \(channels) values, \(rows) × \(keys)"
        if ownWeight != .include { words += ", own weight \(ownWeight.rawValue)" }
        if cores > 1 { words += ", shared" }
        // The scores' roundings are those of sums of `width` terms, and each is an exponent.
        return stored("tile_attention", words, terms: 8 * width + keys, precision) { launcher in
            let tile = tile.with(cores: cores)
            let theta = values(2, width, rows), phi = values(2, width, keys)
            let g = values(2, channels, keys)
            let target = try buffer(count: 2 * channels * rows)
            let shares = tile.attentionShares(valueChannels: channels, rows: rows, keys: keys, groups: 2)
            let sizes = GroupTile.packedElements(
                precision, width: width, valueChannels: channels, rows: rows, keys: keys, groups: 2)
            func room(_ role: BufferRole) throws -> Buffer<Float> { try buffer(count: sizes[role] ?? 1) }
            try TileAttentionKernels(
                session.library, tile, ownWeight: ownWeight, valueChannels: channels, precision
            ).launch(
                launcher,
                AttentionOperands(
                    theta: view(theta, width, rows), phi: view(phi, width, keys),
                    g: view(g, channels, keys), y: View(target, channels: channels, positions: rows),
                    width: width, valueChannels: channels, groups: 2, rows: rows, keys: keys),
                scale: Float(scale), shared: shares.count > 1 ? buffer(count: shares.shared) : nil,
                packed: TilePackKernels.Room(
                    theta: room(.packedTheta), phi: room(.packedPhi), g: room(.packedG),
                    limits: room(.limits),
                    misfits: nil))
            let expected = (0..<2).flatMap { item -> [Double] in
                let weights = (0..<rows).map { row in
                    var scores = (0..<keys).map { key in
                        (0..<width).reduce(0) { sum, c in
                            let query = Double(theta[(item * width + c) * rows + row])
                            return sum + scale * query * Double(phi[(item * width + c) * keys + key])
                        }
                    }
                    if ownWeight != .include {
                        scores[row] = -.infinity
                        if ownWeight == .strongest { scores[row] = scores.max() ?? 0 }
                    }
                    let largest = scores.max() ?? 0
                    let weights = scores.map { exp($0 - largest) }
                    let sum = weights.reduce(0, +)
                    return weights.map { $0 / sum }
                }
                return pairs(channels, rows) { channel, row in
                    (0..<keys).reduce(0) { sum, key in
                        let value = Double(g[(item * channels + channel) * keys + key])
                        return sum + weights[row][key] * value
                    }
                }
            }
            return (target, expected)
        }
    }
}

extension VerificationProblems {
    /// A problem whose operands are kept in a precision.
    private func stored(
        _ family: String, _ words: String, terms: Int, _ precision: Precision,
        _ body: @escaping (Launcher) throws -> (Buffer<Float>, [Double])
    ) -> Problem {
        problem(family, words, terms: terms, body).stored(in: precision)
    }

    /// The same of a problem that turns the scores of each row into something else.
    private func column(
        _ family: String, _ keys: Int, _ rows: Int, _ precision: Precision,
        launch: @escaping (Launcher, Buffer<Float>, RowBlock) throws -> Void,
        expected: @escaping ([Double]) -> [Double]
    ) -> Problem {
        column(family, keys, rows, launch: launch, expected: expected).stored(in: precision)
    }
}

extension VerificationProblems.Problem {
    /// The same with operands kept in a precision. In attention each weight is off by what the roundings of θ and φ do to
    /// its score, which is below 8 in these problems, and each number of g by one; elsewhere both numbers of a product
    /// are rounded, or a result.
    fileprivate func stored(in precision: Precision) -> Self {
        guard precision != .float32 else { return self }
        return Self(family: family, problem: "\(problem), \(precision.rawValue)") {
            let result = try compute()
            let tolerance = result.tolerance + 8 * precision.rounding
            let message = result.error <= tolerance ? nil : result.message ?? "error \(result.error)"
            return (result.error, tolerance, message)
        }
    }
}

extension [Float] {
    /// The numbers of 16 bits that lie in these.
    fileprivate func stored(in precision: Precision) -> [Float] {
        flatMap { pair in
            [UInt16(truncatingIfNeeded: pair.bitPattern), UInt16(pair.bitPattern >> 16)].map { bits in
                precision == .bfloat16
                    ? Float(bitPattern: UInt32(bits) << 16) : Float(Float16(bitPattern: bits))
            }
        }
    }
}

extension GroupTile {
    var words: String { "side \(side), quads \(quads), depth \(depth)" }

    /// The same tile on a device with other cores.
    func with(cores: Int) -> GroupTile {
        var tile = self
        tile.cores = cores
        return tile
    }
}
