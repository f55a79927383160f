import NonLocalKernels
import SwiftOpenCL

extension KernelFamily {
    /// The kernel whose work-groups are the largest, and their work-items; none where any device has room for them.
    private func largest(in library: KernelLibrary) throws -> (kernel: Kernel, workItems: Int)? {
        func kernel(
            _ name: String, _ sources: [KernelSource], _ macros: [String: String], _ tile: GroupTile
        ) throws -> (Kernel, Int) {
            (try library.kernel(name, of: sources, defining: macros), tile.workItems)
        }
        switch self {
        case .tileProduct(let tile, let precision):
            return try kernel("tile_product", KernelSource.tiledProduct, tile.productMacros(precision), tile)
        case .tileAttention(let tile, let values, let precision):
            let macros = tile.attentionMacros(valueChannels: values * tile.block, precision)
            return try kernel("tile_attention", KernelSource.tiledAttention, macros, tile)
        case .tileSorted(let tile):
            return try kernel("tile_sort", KernelSource.tiledSorted, tile.sortMacros, tile)
        case .tileSoftmax, .tileCentre, .warpProduct, .warpStages, .warpAttention: return nil
        }
    }

    /// What the driver says where it has too few registers, or too little else, for a work-group of the family's
    /// kernels as it has built them; nothing where it has enough. A kernel that doesn't build is for its test to find.
    func shortage(in library: KernelLibrary) -> String? {
        guard let found = try? largest(in: library), let info = try? found.kernel.workGroupInfo else {
            return nil
        }
        let most = min(info.workGroupSize, library.mostWorkItems)
        guard found.workItems > most else { return nil }
        return "\(found.kernel.name) can run in work-groups of \(most) at most on "
            + "'\(library.context.device.name)', not of \(found.workItems)"
    }
}

extension Method {
    /// The same with the next smaller tiles as long as a work-group of its kernels is too large for the device, as the
    /// driver has built them, and what to say of that.
    func fitting(_ library: KernelLibrary, _ sizes: PairSizes) -> (method: Method, notes: [String]) {
        var (method, notes) = (self, [String]())
        while let tile = method.groupTile,
            let shortage = method.families(sizes).lazy.compactMap({ $0.shortage(in: library) }).first,
            let smaller = GroupTile.candidates(library.context.device).first(where: {
                $0.workItems < tile.workItems
            })
        {
            notes.append("\(shortage): work-groups of \(smaller.workItems) serve")
            method.groupTile = smaller
        }
        return (method, notes)
    }
}
