public import SwiftOpenCL

/// The kind of kernels that suits a device.
public enum KernelClass: String, Sendable, Hashable, CaseIterable {
    /// One work-item a position: right on every device, tuned for none.
    case plain
    /// Register tiles with vector lanes along the positions, for CPU devices.
    case panel
    /// Tiles of work-groups that share local memory, for GPUs of any make.
    case tile
    /// Tensor cores of NVIDIA devices; elsewhere, if forced, what checks these kernels: right and very slow.
    case warp

    /// The class that suits a device: `panel` for CPU devices; `warp` for those of NVIDIA from compute capability
    /// 8.0 on; `tile` for others that have the local memory and the work-groups for it.
    public init(_ device: Device) {
        if device.type == .cpu {
            self = .panel
        } else if device.hasTensorCores {
            self = .warp
        } else {
            self = GroupTile.candidates(device).isEmpty ? .plain : .tile
        }
    }
}

/// Kernels of a class, with the tile that they are compiled for.
enum KernelChoice: Sendable, Hashable {
    case plain
    case panel(PanelTile)
    case tile(GroupTile)
    /// With the tile of the tile kernels, which do what the warp kernels don't, if the device can run them.
    case warp(WarpMethod, GroupTile?)

    /// The tile of the tile kernels, where they serve.
    var groupTile: GroupTile? {
        switch self {
        case .plain, .panel: nil
        case .tile(let tile): tile
        case .warp(_, let tile): tile
        }
    }

    /// - Parameters:
    ///   - kernels: forces a class; the device's own without.
    ///   - tile: forces a tile upon the tile kernels; the device's own without.
    ///   - warpTiles: tiles of the warp kernels in the place of the usual ones.
    ///   - precision: what the warp kernels keep operands in.
    /// - Throws: ``NonLocalError/Code/configuration`` if the device can't run kernels of the class.
    init(
        _ kernels: KernelClass?, _ tile: GroupTile?, _ warpTiles: [WarpTile], _ precision: Precision,
        on device: Device
    ) throws(NonLocalError) {
        switch kernels ?? KernelClass(device) {
        case .plain: self = .plain
        case .panel: self = .panel(PanelTile(device))
        case .tile:
            guard let tile = tile ?? GroupTile.candidates(device).first else {
                throw NonLocalError(
                    .configuration,
                    "'\(device.name)' has work-groups of \(device.maxWorkGroupSize) and \(device.localMemory) "
                        + "bytes of local memory, which is too little for the tile kernels",
                    advice: "Use the plain kernels.")
            }
            self = .tile(tile)
        case .warp:
            self = .warp(
                WarpMethod(WarpTile.Arithmetic(precision), on: device, tiles: warpTiles),
                tile ?? GroupTile.candidates(device).first)
        }
    }
}
