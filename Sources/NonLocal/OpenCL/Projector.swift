import SwiftOpenCL

/// Projections on a device, by the kernels of a class.
struct Projector: Sendable {
    /// Maps of the same channels that are applied together.
    enum Maps: Sendable {
        case plain([DeviceLinear])
        case packed(PackedLinear)
        case warp(WarpProduct.Maps)
        case stacked(StackedLinear)

        var outputs: [Int] {
            switch self {
            case .plain(let maps): maps.map(\.outputs)
            case .packed(let maps): maps.outputs
            case .warp(let maps): maps.outputs
            case .stacked(let maps): maps.outputs
            }
        }

        /// Whether float16 holds the weights as well as bfloat16 would, where that is asked.
        var fits: Bool {
            switch self {
            case .warp(let maps): maps.fits
            case .stacked(let maps): maps.fits
            case .plain, .packed: true
            }
        }
    }

    private enum Kernels: Sendable {
        case plain(ProjectionKernel)
        case panel(PanelProjectionKernels, PanelPackKernels, PanelTile)
        case warp(WarpProduct)
        case tile(TileProjection)
    }

    private let session: OpenCLSession
    private let kernels: Kernels

    init(_ session: OpenCLSession, _ method: Method) throws {
        self.session = session
        if let warp = method.warp {
            kernels = .warp(
                try WarpProduct(session.library, warp.arithmetic, usesPTX: warp.usesPTX))
        } else if let tile = method.groupTile {
            kernels = .tile(try TileProjection(session, tile, method.precision))
        } else if let tile = method.tile {
            kernels = .panel(
                try PanelProjectionKernels(session.library, tile),
                try PanelPackKernels(session.library, tile),
                tile)
        } else {
            kernels = .plain(try ProjectionKernel(session.library))
        }
    }

    /// Brings maps to the device, in the form that the kernels want.
    func load(_ maps: [Linear]) throws -> Maps {
        switch kernels {
        case .plain: .plain(try maps.map { try DeviceLinear($0, in: session.context) })
        case .warp(let product): .warp(try product.load(maps, in: session))
        case .panel(_, let pack, let tile): .packed(try PackedLinear(maps, pack, tile, in: session))
        case .tile(let projection): .stacked(try projection.load(maps))
        }
    }

    /// Applies maps to x, each to a view of its own; a residual goes with a single map only.
    func launch(
        _ launcher: Launcher, _ maps: Maps, from x: View, residual: View? = nil, to y: [View], positions: Int,
        items: Int, _ workspace: Workspace
    ) throws {
        switch (kernels, maps) {
        case (.panel(let kernels, _, _), .packed(let maps)):
            let scratch = try workspace.required(.scratch)
            if let residual {
                try kernels.launch(
                    launcher, maps, from: x, residual: residual, to: y[0], positions: positions, items: items,
                    scratch: scratch)
            } else {
                try kernels.launch(
                    launcher, maps, from: x, to: y, positions: positions, items: items, scratch: scratch)
            }
        case (.warp(let product), .warp(let maps)):
            try product.launch(
                launcher, maps, from: x, residual: residual, to: y, positions: positions, items: items,
                image: workspace.required(.scratch), limits: workspace.required(.limits),
                misfits: workspace[.misfits])
        case (.tile(let kernels), .stacked(let maps)):
            try kernels.launch(
                launcher, maps, from: x, residual: residual, to: y, positions: positions, items: items,
                TileProjection.Room(workspace))
        case (.plain(let kernel), .plain(let maps)):
            for (map, y) in zip(maps, y) {
                try kernel.launch(
                    launcher, map, from: x, residual: residual, to: y, positions: positions, items: items)
            }
        default:
            throw NonLocalError(.configuration, "weights were loaded for other kernels than those in use")
        }
    }
}
