extension BlockProblem {
    /// How φ or g of the fused attention gets into the form in which it is packed.
    enum PackingRoute: Sendable, Hashable {
        /// The projection writes that form.
        case projected
        /// Max pooling writes it.
        case pooled
        /// It is packed by itself.
        case packed
        /// A map of the queries is applied to it, which writes that form.
        case absorbed
        /// It is read as it is.
        case unpacked
    }

    /// The route of φ or g.
    func route(of role: BufferRole, _ method: Method) -> PackingRoute {
        if method.form == .time { return .unpacked }
        // Positions through time are too few, and too far from each other, for a panel; those that are put in
        // order have to be there first.
        guard let tile = method.tile, method.strategy == .fused, !method.skips, configuration.scope != .time
        else { return .packed }
        if method.absorbed.contains(role == .phi ? .theta : .output) { return .absorbed }
        if poolsProjections { return poolsByPanels(tile) ? .pooled : .packed }
        return role == .phi && !projectsAffinity ? .packed : .projected
    }

    /// Whether φ and g are max pooled by the panel kernel.
    func poolsProjectionsByPanels(_ method: Method) -> Bool {
        guard poolsProjections, let tile = method.tile else { return false }
        return [BufferRole.phi, .g].allSatisfy { [.pooled, .absorbed].contains(route(of: $0, method)) }
            && poolsByPanels(tile)
    }

    /// Whether x itself is max pooled by the panel kernel: it reads positions side by side.
    func poolsInputByPanels(_ method: Method) -> Bool {
        guard let tile = method.tile, configuration.subsample == .poolFirst else { return false }
        return geometry.layout == .channelsFirst && poolsByPanels(tile)
    }

    /// Whether the panel kernel takes windows of that width.
    private func poolsByPanels(_ tile: PanelTile) -> Bool {
        geometry.window.map { $0.extents(of: geometry.grid).window[2] <= tile.lanes } ?? false
    }

    /// The frames by which a projection's positions are taken where packed frames come out; none where all of
    /// an item's are taken together.
    func frames(of roles: [BufferRole], _ method: Method) -> PositionGroups? {
        guard configuration.scope == .space,
            roles.contains(where: { $0 != .theta && route(of: $0, method) == .projected })
        else { return nil }
        return roles.contains(.theta) ? geometry.queries : geometry.keys
    }
}
