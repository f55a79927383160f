extension OperationShape {
    /// y = K θ with K = (s/M) g φᵀ; none where the form can't be re-associated.
    func reassociation(_ formulation: Formulation) -> Reassociation? {
        guard formulation.isLinear(ownWeight) else { return nil }
        return Reassociation(
            order: ProductOrder(head: .projected, tail: .aggregate),
            pays: reassociatedSteps.operations < steps.operations)
    }

    /// The steps of a method.
    func steps(of method: Method) -> [CostedStep] {
        method.order == nil ? steps(of: method.strategy) : reassociatedSteps
    }

    private var reassociatedSteps: [CostedStep] {
        [
            CostedStep("g φᵀ", .product(valueChannels, keys, width, batch: batch), isProduct: true),
            CostedStep("K θ", .product(valueChannels, width, rows, batch: batch), isProduct: true),
        ]
    }

    func gramBlocks(_ tile: PanelTile, items: Int) -> PanelTile.GramBlocks {
        tile.gramBlocks(rows: valueChannels, columns: width, positions: keys, groups: items)
    }
}
