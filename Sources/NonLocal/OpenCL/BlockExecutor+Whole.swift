extension BlockExecutor {
    /// z by the kernel for the whole block.
    func compute(
        _ whole: PanelBlockKernel, _ launcher: Launcher, x: View, to z: View, items: Int,
        _ workspace: Workspace
    ) throws {
        func tensor(_ role: BufferRole, _ channels: Int) throws -> View {
            View(try workspace.required(role), channels: channels, positions: problem.rows)
        }
        let values = configuration.valueChannels
        try whole.launch(
            launcher,
            PanelBlockKernel.Tensors(
                x: projections.normalized(launcher, x, items: items, workspace),
                residual: configuration.residual ? x : nil, z: z, theta: tensor(.theta, problem.width),
                phi: workspace.packedKeys(.phi, of: problem, method),
                g: workspace.packedKeys(.g, of: problem, method),
                whole: geometry.window == nil
                    ? nil : (tensor(.phi, problem.width), tensor(.g, values)),
                y: tensor(.aggregate, values)),
            items: items, scratch: workspace.required(.scratch))
    }
}
