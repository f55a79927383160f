extension Workspace {
    /// φ or g as the panel kernels' fused attention reads it.
    func packedKeys(_ role: BufferRole, of problem: BlockProblem, _ method: Method) throws -> View {
        guard let tile = method.tile else {
            throw NonLocalError(.configuration, "only the panel kernels pack keys by themselves")
        }
        let (isPhi, sizes, keys) = (role == .phi, problem.attentionSizes(method), problem.geometry.keys)
        return tile.view(
            try required(isPhi ? .packedPhi : .packedG), isPhi ? .byRows : .byKeys,
            channels: isPhi ? sizes.width : sizes.valueChannels, positions: keys.count, groups: keys.groups)
    }

    /// g or y, in the layout that the method wants where its operation reads or writes it.
    func values(
        _ role: BufferRole, _ positions: Int, isOperand: Bool = true, of problem: BlockProblem,
        _ method: Method
    ) throws -> View {
        let channels = problem.configuration.valueChannels
        let stride = isOperand ? method.positionStride(channels: channels) : nil
        return View(
            try required(role), channels: stride ?? channels, positions: positions,
            layout: stride == nil ? .channelsFirst : .channelsLast)
    }
}
