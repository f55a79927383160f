import SwiftOpenCL

/// The bare operation on an OpenCL device.
struct OperationExecutor: Sendable {
    let session: OpenCLSession
    private let shape: OperationShape
    private let workspace: Workspace
    let method: Method
    private let attention: Attention
    private let projector: Projector
    private let scoreTheta: Projector.Maps?
    private let scorePhi: Projector.Maps?
    private let own: Buffer<Int32>?
    private let pool = MemoryPool()

    init(
        _ session: OpenCLSession, _ operation: NonLocalOperation, _ shape: OperationShape,
        _ workspace: Workspace
    ) throws {
        self.session = session
        self.shape = shape
        self.workspace = workspace
        let schedule = workspace.schedule
        method = schedule.method
        attention = try Attention(
            session.library, schedule.method, formulation: operation.pairwise.formulation,
            scale: operation.scale.value(width: shape.width), ownWeight: operation.ownWeight,
            width: shape.width, valueChannels: shape.valueChannels, groups: shape.batch)
        let projector = try Projector(session, schedule.method)
        self.projector = projector
        let halves = shape.score == .outerSum ? operation.pairwiseWeight?.halves : nil
        scoreTheta = try halves.map { try projector.load([$0.theta]) }
        scorePhi = try halves.map { try projector.load([$0.phi]) }
        own =
            operation.ownWeight == .include
            ? nil : try Buffer(session.context, copying: (0..<shape.rows).map(Int32.init), access: .readOnly)
    }

    /// - Parameter memory: to write y to, if there is some of the right size already.
    /// - Returns: y, and what it took of the device.
    func run(
        theta: Tensor<Float>, phi: Tensor<Float>, g: Tensor<Float>, into memory: TensorStorage<Float>?,
        _ pace: Pace?
    ) throws -> (Tensor<Float>, DeviceWork) {
        let exchange = HostExchange(session: session)
        let storage = try memory ?? TensorStorage(count: elementCount(of: shape.output), pool: pool)
        let launcher = session.launcher(pace: pace)
        var blocks = ComputedBlocks()
        try workspace.forgetMisfits(session.queue)
        for first in stride(from: 0, to: shape.batch, by: workspace.schedule.itemsPerSlice) {
            let items = first..<min(first + workspace.schedule.itemsPerSlice, shape.batch)
            func upload(_ tensor: Tensor<Float>, _ channels: Int, _ positions: Int, _ role: BufferRole) throws
                -> View
            {
                let size = channels * positions
                let range = items.lowerBound * size..<items.upperBound * size
                return View(
                    try exchange.upload(tensor, range, staging: workspace[role]), channels: channels,
                    positions: positions)
            }
            func score(_ view: View, _ maps: Projector.Maps?, _ positions: Int, _ role: BufferRole) throws
                -> View
            {
                guard let maps else { return view }
                let result = View(try workspace.required(role), channels: 1, positions: positions)
                try projector.launch(
                    launcher, maps, from: view, to: [result], positions: positions, items: items.count,
                    workspace)
                return result
            }
            let size = shape.valueChannels * shape.rows
            let range = items.lowerBound * size..<items.upperBound * size
            let target = try exchange.target(storage, range, staging: workspace[.aggregate])
            try attention.run(
                launcher,
                AttentionOperands(
                    theta: score(
                        upload(theta, shape.width, shape.rows, .theta), scoreTheta, shape.rows, .thetaScores),
                    phi: score(upload(phi, shape.width, shape.keys, .phi), scorePhi, shape.keys, .phiScores),
                    g: upload(g, shape.valueChannels, shape.keys, .g),
                    y: View(target, channels: shape.valueChannels, positions: shape.rows),
                    width: scoreTheta == nil ? shape.width : 1, valueChannels: shape.valueChannels,
                    groups: items.count, rows: shape.rows, keys: shape.keys, own: own),
                workspace)
            try launcher.finish {
                try exchange.download(target, to: storage, range, staging: workspace[.aggregate])
            }
            try blocks.add(
                workspace, session.queue, groups: items.count, rows: shape.rows, keys: shape.keys)
        }
        let work = DeviceWork(
            launches: launcher.launches, computedShare: blocks.share,
            precision: method.precision == .mixed ? .float16 : method.precision,
            fits: try !workspace.hasMisfits(session.queue))
        return (Tensor(shape: shape.output, storage: storage), work)
    }
}
