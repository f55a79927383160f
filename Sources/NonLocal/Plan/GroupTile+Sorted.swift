extension GroupTile {
    /// Numbers that a work-group sorts in local memory (`SORT_RUN`).
    static let sortRun = 512

    /// What the sorting kernels are compiled with.
    var sortMacros: [String: String] { ["SORTERS": "\(workItems)"] }

    /// Merges of two runs each that make one of `keys` sorted numbers.
    static func merges(keys: Int) -> Int {
        let runs = (keys + sortRun - 1) / sortRun
        return runs <= 1 ? 0 : Int.bitWidth - (runs - 1).leadingZeroBitCount
    }

    /// How running sums over the keys are cut.
    struct PrefixParts: Sendable, Hashable {
        /// Keys of a part; of the last one perhaps fewer.
        let length: Int
        let count: Int

        /// Enough parts to fill a device with a few hundred channels, and so few that each may begin with a sum
        /// over those before it.
        init(keys: Int) {
            length = max((keys + 63) / 64, 16)
            count = (keys + length - 1) / length
        }
    }

    /// Elements of what the sorted strategy takes for each group: the sorted numbers, of two elements each, and the
    /// running sums, with those of the parts.
    static func sortedElements(valueChannels: Int, keys: Int, groups: Int) -> [BufferRole: Int] {
        let parts = PrefixParts(keys: keys).count
        return [
            .sorted: 2 * keys * groups,
            .runningSums: 2 * valueChannels * keys * groups,
            .partSums: 4 * valueChannels * parts * groups,
        ]
    }
}
