extension BlockProblem {
    /// What a schedule has to find room for.
    ///
    /// - Parameter sharesHostMemory: whether the device works on x and z where they are.
    func workload(_ method: Method, sharesHostMemory: Bool) -> Workload {
        var workload = unslicedWorkload(method, sharesHostMemory: sharesHostMemory)
        workload.elementsPerItem.merge(sumElements(method)) { $1 }
        if !sharesHostMemory, geometry.batch > 1 {
            workload.mostItems = (geometry.batch + 3) / 4
            for role in [BufferRole.input, .output] { workload.elementsPerItem[role]? *= 2 }
        }
        return workload
    }

    private func unslicedWorkload(_ method: Method, sharesHostMemory: Bool) -> Workload {
        let groups = isSubset ? 1 : geometry.queries.groups
        let rowsOfGroup = isSubset ? rows : geometry.queries.count
        if let order = method.order {
            return Workload(
                method: method, batch: geometry.batch, groups: groups, rows: rowsOfGroup,
                keys: geometry.keys.count,
                elementsPerItem: elementsPerItem(method, order, sharesHostMemory: sharesHostMemory),
                weightElements: weightElements(order, method.tile),
                widest: max(width, configuration.valueChannels),
                scratchOfLaunch: { items in method.tile.map { scratch(order, $0, items: items) } ?? 0 },
                sharesOfLaunch: { items in
                    method.tile.map { gramBlocks(order, $0, items: items).shared }
                        ?? method.groupTile.map { productShares(order, $0, items: items) } ?? 0
                })
        }
        var elements = elementsPerItem(method, sharesHostMemory: sharesHostMemory)
        if let tile = method.tile, method.strategy == .fused, method.form != .time {
            let (keyGroups, sizes) = (geometry.keys.groups, attentionSizes(method))
            elements[.packedPhi] = keyGroups * tile.packedByRows(geometry.keys.count, sizes.width)
            elements[.packedG] = keyGroups * tile.packedByKeys(sizes.valueChannels, geometry.keys.count)
            for (role, pooled) in [(BufferRole.phi, BufferRole.pooledPhi), (.g, .pooledG)] {
                if route(of: role, method) == .projected { elements[role] = nil }
                if route(of: role, method) == .pooled { elements[pooled] = nil }
            }
            if method.skips {
                elements.merge(
                    tile.skippingElements(
                        width: width, valueChannels: configuration.valueChannels, rows: rowsOfGroup,
                        keys: geometry.keys.count, groups: groups, ownWeight: configuration.ownWeight)
                ) { $1 }
            }
        }
        if let warp = method.warp {
            let (width, values, keys) = (width, configuration.valueChannels, geometry.keys.count)
            elements.merge(
                warp.elements(
                    method.strategy, width: width, valueChannels: values, rows: rowsOfGroup, keys: keys,
                    groups: groups)
            ) { $1 }
            return Workload(
                method: method, batch: geometry.batch, groups: groups, rows: rowsOfGroup, keys: keys,
                elementsPerItem: elements, weightElements: weightElements(method),
                widest: max(width, values),
                scratchOfLaunch: { warpImage(warp, items: $0) },
                sharesOfLaunch: {
                    warp.shared(
                        method.strategy, width: width, valueChannels: values, rows: rowsOfGroup, keys: keys,
                        groups: $0 * groups)
                })
        }
        if method.groupTile != nil {
            elements.merge(
                GroupTile.packedElements(
                    method.precision, width: width, valueChannels: configuration.valueChannels,
                    rows: rowsOfGroup,
                    keys: geometry.keys.count, groups: groups)
            ) { $1 }
        }
        let sorted = elements[.sorted] ?? 0
        let attention: @Sendable (Int) -> PanelTile.AttentionBlocks? = { items in
            guard let tile = method.tile, method.strategy == .fused, method.form == .panels else {
                return nil
            }
            let sizes = attentionSizes(method)
            return tile.attentionBlocks(
                width: sizes.width, valueChannels: sizes.valueChannels, rows: rowsOfGroup,
                keys: geometry.keys.count, groups: items * groups, ownWeight: configuration.ownWeight,
                skips: method.skips)
        }
        return Workload(
            method: method, batch: geometry.batch, groups: groups, rows: rowsOfGroup,
            keys: geometry.keys.count,
            elementsPerItem: elements, weightElements: weightElements(method),
            widest: max(width, configuration.valueChannels),
            scratchOfLaunch: { items in
                if let tile = method.tile, method.form == .block {
                    let cuts = blockCuts(tile, items: items)
                    return cuts.workers * cuts.scratchSize
                }
                let time = method.form == .time ? method.tile?.timeScratch(keys: geometry.keys.count) : nil
                return max(
                    projectionScratch(method, items: items), attention(items)?.scratch ?? 0, time ?? 0,
                    items * sorted)
            },
            sharesOfLaunch: { items in
                guard let tile = method.groupTile, method.strategy == .fused else {
                    return attention(items)?.shared ?? 0
                }
                return tile.attentionShares(
                    valueChannels: configuration.valueChannels, rows: rowsOfGroup, keys: geometry.keys.count,
                    groups: items * groups, sums: method.sums
                ).shared
            })
    }

    /// How the kernel for the whole block in one launch cuts it.
    func blockCuts(_ tile: PanelTile, items: Int) -> PanelTile.BlockCuts {
        tile.blockCuts(
            channels: geometry.channels, width: width, valueChannels: configuration.valueChannels,
            positions: rows, keys: geometry.keys.count, ownWeight: configuration.ownWeight, items: items)
    }

    /// Channels and positions of the tensors that are projected, or of larger ones.
    private var projected: [(channels: Int, positions: Int)] {
        [(geometry.channels, max(rows, projectedPositions)), (configuration.valueChannels, rows)]
    }

    /// Elements of the largest of the tensors that the warp kernels project.
    private func warpImage(_ warp: WarpMethod, items: Int) -> Int {
        projected.map {
            WarpProduct.elements(
                warp.arithmetic, channels: $0.channels, positions: $0.positions, items: items)
        }.max() ?? 0
    }

    /// Elements of scratch memory that the largest of the projections takes.
    private func projectionScratch(_ method: Method, items: Int) -> Int {
        if method.storesTiles {
            return projected.map { GroupTile.packed($0.channels * $0.positions * items) }.max() ?? 0
        }
        guard let tile = method.tile else { return 0 }
        func scratch(_ inputs: Int, _ outputs: Int, _ positions: Int, groups: Int = 1) -> Int {
            tile.projectionBlocks(
                inputs: inputs, outputs: outputs, positions: positions, items: items * groups
            ).scratch
        }
        var launches = projectionGroups(method).map { group in
            let frames = frames(of: group, method)
            return scratch(
                geometry.channels, group.reduce(0) { $0 + size(of: $1).channels },
                frames?.count ?? size(of: group[0]).positions, groups: frames?.groups ?? 1)
        }
        let keys = geometry.keys
        if method.absorbed.contains(.theta) {
            launches.append(scratch(width, geometry.channels + 1, keys.count, groups: keys.groups))
        }
        if method.absorbed.contains(.output) {
            launches.append(
                scratch(configuration.valueChannels, geometry.channels, keys.count, groups: keys.groups))
        } else {
            launches.append(scratch(configuration.valueChannels, geometry.channels, rows))
        }
        if scoresTheta { launches.append(scratch(thetaWidth, 1, rows)) }
        if scoresPhi { launches.append(scratch(width, 1, keyPositions)) }
        return launches.max() ?? 0
    }

    /// Elements of each buffer for one batch item that the formulas name.
    func elementsPerItem(_ method: Method, sharesHostMemory: Bool) -> [BufferRole: Int] {
        let (channels, positions) = (geometry.channels, geometry.grid.count)
        let poolsInput = configuration.subsample == .poolFirst && geometry.window != nil
        let values = configuration.valueChannels
        let valueStride = method.positionStride(channels: values) ?? values
        let elements: [BufferRole: Int] = [
            .input: sharesHostMemory ? 0 : channels * positions,
            .output: sharesHostMemory ? 0 : channels * rows,
            .moments: 2 * normGroups,
            .normalized: normGroups > 0 ? channels * positions : 0,
            .pooledInput: poolsInput ? channels * keyPositions : 0,
            .gatheredInput: isSubset ? channels * rows : 0,
            .gatheredNormalized: isSubset && normGroups > 0 ? channels * rows : 0,
            .theta: projectsAffinity && !method.absorbed.contains(.theta) ? thetaWidth * rows : 0,
            .phi: projectsAffinity ? width * projectedPositions : 0,
            .g: (poolsProjections ? values : valueStride) * projectedPositions,
            .pooledPhi: poolsProjections ? width * keyPositions : 0,
            .pooledG: poolsProjections ? valueStride * keyPositions : 0,
            .thetaScores: scoresTheta ? rows : 0,
            .phiScores: scoresPhi ? keyPositions : 0,
            .scoreBias: method.absorbed.contains(.theta) ? keyPositions : 0,
            .sorted: method.strategy == .sorted && method.tile != nil
                ? PanelTile.sortedElements(keys: keyPositions, rows: rows) : 0,
            .aggregate: method.absorbed.contains(.output) ? 0 : valueStride * rows,
        ]
        return elements.merging(sortedElements(method)) { $1 }.filter { $0.value > 0 }
    }

    /// Elements of what the tile kernels' sorted strategy takes for one batch item.
    private func sortedElements(_ method: Method) -> [BufferRole: Int] {
        guard method.strategy == .sorted, method.groupTile != nil else { return [:] }
        return GroupTile.sortedElements(
            valueChannels: configuration.valueChannels, keys: geometry.keys.count,
            groups: geometry.keys.groups)
    }

    /// Elements of all weights, packed for a tile, in 16 bits with what their rows are scaled for, or as they are.
    private func weightElements(_ method: Method) -> Int {
        let (channels, values) = (geometry.channels, configuration.valueChannels)
        func map(_ outputs: Int, _ inputs: Int) -> Int {
            if method.storesTiles { return GroupTile.packed(outputs * inputs) + 2 * outputs }
            return (method.tile?.packedByRows(outputs, inputs) ?? outputs * inputs) + outputs
        }
        let inputs = projectionGroups(method).reduce(0) { sum, group in
            sum + map(group.reduce(0) { $0 + size(of: $1).channels }, channels)
        }
        let absorbedTheta = method.absorbed.contains(.theta) ? map(channels + 1, width) : 0
        let pair = (scoresTheta ? map(1, thetaWidth) : 0) + (scoresPhi ? map(1, width) : 0)
        return inputs + absorbedTheta + pair + map(channels, values) + (normGroups > 0 ? 2 * channels : 0)
    }
}
