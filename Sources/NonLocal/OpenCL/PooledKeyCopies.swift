import SwiftOpenCL

/// φ and g of a few items as the device projected and pooled them, read back so that rows of z can be checked without
/// projecting all positions once more.
///
/// `@unchecked Sendable`: each run has its own, and has filled it before anybody reads it.
final class PooledKeyCopies: @unchecked Sendable {
    private let items: Set<Int>
    private let geometry: Geometry
    private var copies: [Int: (phi: Copy, g: Copy)] = [:]

    /// An item's part of a tensor that is on its way to host memory.
    private struct Copy: Sendable {
        let elements: TensorStorage<Float>
        let view: View
        let channels: Int
        /// By which it may be packed.
        let tile: PanelTile?
        let event: Event
    }

    /// - Parameter items: those that are wanted, counted over the whole batch.
    init(_ items: some Sequence<Int>, _ geometry: Geometry) {
        self.items = Set(items)
        self.geometry = geometry
    }

    /// Enqueues copies of the wanted items among those of a slice.
    ///
    /// - Parameters:
    ///   - phi: φ of the slice, with `width` channels.
    ///   - g: g of the slice, with `valueChannels` channels.
    ///   - tile: by which they may be packed.
    func take(
        phi: View, width: Int, g: View, valueChannels: Int, tile: PanelTile?, of slice: Range<Int>,
        from queue: Queue
    ) throws {
        for item in items where slice.contains(item) {
            func copy(_ view: View, _ channels: Int) throws -> Copy {
                var view = view.grouped(by: geometry.keys).advanced(byItems: item - slice.lowerBound)
                let first = view.offset
                view.offset = 0
                let elements = try TensorStorage<Float>(count: view.itemStride)
                let event = try queue.read(
                    view.buffer, range: first..<first + view.itemStride, into: elements.elements,
                    keeping: elements.memory)
                return Copy(
                    elements: elements, view: view, channels: channels, tile: tile, event: event)
            }
            copies[item] = (try copy(phi, width), try copy(g, valueChannels))
        }
    }

    /// φ and g of an item, if the run pooled them; waits for the copies.
    func keys(of item: Int) throws -> (phi: Field, g: Field)? {
        guard let (phi, g) = copies[item] else { return nil }
        return (try field(phi), try field(g))
    }

    private func field(_ copy: Copy) throws -> Field {
        try copy.event.wait()
        let (keys, positions) = (geometry.keys, geometry.keyGrid.count)
        nonisolated(unsafe) let elements = copy.elements.elements
        let values = parallelRows(
            copy.channels, width: positions, work: copy.channels * positions
        ) { channel, values in
            let places = places(ofChannel: channel, copy)
            for group in 0..<keys.groups {
                var block = places.first + group * copy.view.groupStride
                var to = group * keys.groupStride
                var left = keys.count
                while left > 0 {
                    var place = block
                    for _ in 0..<min(places.size, left) {
                        values[to] = Double(elements[place])
                        to += keys.positionStride
                        place += places.stride
                    }
                    left -= min(places.size, left)
                    block += places.step
                }
            }
        }
        return Field(channels: copy.channels, positions: positions, values: values)
    }

    /// Where a channel stands at the positions of a group: at `first`, `stride` apart in blocks of `size`, which are
    /// `step` apart; `panel_pack.cl` in Swift.
    private func places(
        ofChannel channel: Int, _ copy: Copy
    ) -> (first: Int, size: Int, step: Int, stride: Int) {
        let view = copy.view
        guard let tile = copy.tile, view.form != .strided else {
            return (channel * view.channelStride, .max, 0, view.positionStride)
        }
        let (channels, positions) = (view.channelStride, view.positionStride)
        switch view.form {
        case .byKeys:
            let block = tile.blockKeys * tile.rows
            return (
                channel / tile.rows * block + channel % tile.rows, tile.blockKeys,
                tile.tiles(channels) * block, tile.rows
            )
        default:
            let first = channel / tile.depth * tile.depth
            let terms = min(tile.depth, channels - first)
            return (
                (first * tile.tiles(positions) + channel - first) * tile.rows, tile.rows, terms * tile.rows, 1
            )
        }
    }
}
