extension PanelTile {
    /// A series of launches of `panel_order.cl`: trees over runs of `span` positions, split into units.
    struct OrderPass: Sendable, Hashable {
        let span: Int
        let unit: Int
        let levels: Int
    }

    /// The passes that order `count` positions, first into blocks of keys and then within these into panels.
    func orderPasses(_ count: Int) -> [OrderPass] {
        func levels(_ units: Int) -> Int { units <= 1 ? 0 : Int.bitWidth - (units - 1).leadingZeroBitCount }
        return [
            // The launch of level 0 starts the order even where there is nothing to split.
            OrderPass(
                span: count, unit: blockKeys, levels: max(1, levels((count + blockKeys - 1) / blockKeys))),
            OrderPass(span: blockKeys, unit: panel, levels: levels((blockKeys + panel - 1) / panel)),
        ]
    }

    /// The same with blocks of keys that whole panels of queries fit into, so that both can be in one order.
    var ordered: PanelTile {
        var tile = self
        tile.blockKeys = 96
        return tile
    }

    /// Blocks that `keys` keys are taken in.
    func keyBlocks(_ keys: Int) -> Int { (keys + blockKeys - 1) / blockKeys }

    /// Elements of the boxes of a group's key blocks.
    func boxes(width: Int, keys: Int) -> Int { packedByRows(keyBlocks(keys), 2 * width) }

    /// Elements of what skipping adds to fused attention, for `groups` groups.
    func skippingElements(
        width: Int, valueChannels: Int, rows: Int, keys: Int, groups: Int, ownWeight: OwnWeight
    ) -> [BufferRole: Int] {
        [
            .keyOrder: keys, .queryOrder: ownWeight == .include ? rows : 0, .orderedTheta: width * rows,
            .orderedPhi: width * keys, .orderedG: valueChannels * keys,
            .orderedAggregate: valueChannels * rows,
            .boxes: boxes(width: width, keys: keys), .computedBlocks: panels(rows),
        ].filter { $0.value > 0 }.mapValues { groups * $0 }
    }
}
