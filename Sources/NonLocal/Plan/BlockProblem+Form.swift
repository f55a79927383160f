extension BlockProblem {
    /// Operations that a core does while the launches take place that ``FusedForm/block`` saves: three of about
    /// 20 µs. What the form costs is work that only some of the cores have a part in.
    private static let operationsOfLaunches = 6e6

    /// The method in the form that suits this problem best.
    ///
    /// - Parameter wanted: forces a form where it can be had.
    func shaped(_ method: Method, _ wanted: FusedForm? = nil) -> Method {
        guard let tile = method.tile, method.strategy == .fused, !method.skips, !isSubset else {
            return method
        }
        var method = method
        switch wanted {
        case .panels: break
        case .time where reachesThroughTime(tile): method.form = .time
        case .block where fitsOneLaunch(tile): method.form = .block
        case nil:
            if reachesThroughTime(tile) {
                method.form = .time
            } else if fitsOneLaunch(tile), savesLaunches(tile) {
                method.form = .block
            }
        default: break
        }
        return method
    }

    /// Whether vectors of pixels can be read as they lie, and their keys be summed in one accumulator.
    private func reachesThroughTime(_ tile: PanelTile) -> Bool {
        configuration.scope == .time && geometry.queries.groups >= tile.lanes
            && geometry.keys.count <= tile.depth
            && (geometry.layout == .channelsFirst || projectsAffinity)
    }

    /// Whether all steps but the group norm can be had from one launch.
    private func fitsOneLaunch(_ tile: PanelTile) -> Bool {
        guard configuration.scope == .spacetime, projectsAffinity else { return false }
        guard let window = geometry.window else { return true }
        return configuration.subsample == .convFirst
            && window.extents(of: geometry.grid).window[2] <= tile.lanes
    }

    /// Whether launches cost more than the cores that have nothing to do in a single one.
    private func savesLaunches(_ tile: PanelTile) -> Bool {
        let operations = steps.operations, batch = Double(geometry.batch)
        let turns = (batch / Double(tile.workers)).rounded(.up)
        return operations / batch * turns - operations / Double(tile.workers) <= Self.operationsOfLaunches
            && operations / batch <= 4 * Self.operationsOfLaunches
    }
}

extension PanelTile {
    /// Elements of scratch memory of `panel_time.cl`, over all work-items.
    func timeScratch(keys: Int) -> Int { workers * lanes * 4 * ((keys + 3) / 4 * 4) }

    /// How `panel_block.cl` cuts its steps, and vectors of scratch memory that each work-item takes.
    struct BlockCuts: Sendable, Hashable {
        let input: ProjectionBlocks
        let output: ProjectionBlocks
        let attention: AttentionBlocks
        let workers: Int
        /// Elements of one work-item.
        let scratchSize: Int
    }

    /// - Parameters:
    ///   - channels: C.
    ///   - width: d.
    ///   - valueChannels: d_v.
    func blockCuts(
        channels: Int, width: Int, valueChannels: Int, positions: Int, keys: Int, ownWeight: OwnWeight,
        items: Int
    ) -> BlockCuts {
        var alone = self
        alone.workers = 1
        let input = alone.projectionBlocks(
            inputs: channels, outputs: 2 * width + valueChannels, positions: positions, items: 1)
        let output = alone.projectionBlocks(
            inputs: valueChannels, outputs: channels, positions: positions, items: 1)
        let attention = alone.attentionBlocks(
            width: width, valueChannels: valueChannels, rows: positions, keys: keys, groups: 1,
            ownWeight: ownWeight, sharesKeys: false)
        return BlockCuts(
            input: input, output: output, attention: attention, workers: min(workers, items),
            scratchSize: max(input.scratch, output.scratch, attention.scratch))
    }
}
