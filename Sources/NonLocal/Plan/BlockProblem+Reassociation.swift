extension BlockProblem {
    /// The cheapest order of products, or one that is wanted; none where the form can't be re-associated.
    ///
    /// - Throws: ``NonLocalError/Code/configuration`` if an order is wanted that gives something else.
    func reassociation(
        _ wanted: ProductOrder? = nil
    ) throws(NonLocalError) -> Reassociation? {
        guard configuration.pairwise.formulation.isLinear(configuration.ownWeight), projectsAffinity else {
            return nil
        }
        let possible = possibleOrders.map {
            (order: $0, operations: steps($0).operations)
        }
        let cheapest = possible.min { $0.operations < $1.operations }
        guard let choice = wanted.map({ wanted in possible.first { $0.order == wanted } }) ?? cheapest else {
            throw NonLocalError(
                .configuration, "a Gram matrix knows nothing of pooled projections")
        }
        return Reassociation(order: choice.order, pays: choice.operations < steps.operations)
    }

    /// A maximum over projections is no function of the Gram matrix.
    var possibleOrders: [ProductOrder] {
        ProductOrder.allCases.filter { $0.projectsKeys || !poolsProjections }
    }

    /// The projections of positions that an order needs, those of the same tensor together.
    func projectionGroups(_ order: ProductOrder?) -> [[BufferRole]] {
        guard let order else { return projectionGroups }
        return projectionGroups.map { group in
            group.filter { $0 == .theta ? order.projectsQueries : order.projectsKeys }
        }.filter { !$0.isEmpty }
    }

    /// The steps of an order, whatever comes before the products included.
    func steps(_ order: ProductOrder) -> [CostedStep] {
        let (channels, values) = (geometry.channels, configuration.valueChannels)
        let groups = geometry.batch * geometry.keys.groups
        let keys = geometry.keys.count
        func product(_ name: String, _ rows: Int, _ inner: Int, _ columns: Int, batch: Int) -> CostedStep {
            CostedStep(name, .product(rows, inner, columns, batch: batch), isProduct: true)
        }
        var steps: [CostedStep]
        switch order.head {
        case .projected:
            steps = self.steps.filter {
                !$0.isProduct && $0.name != "normalize"
                    || ["projection φ", "projection g"].contains($0.name)
            }
            steps.append(product("g φᵀ", values, keys, width, batch: groups))
        case .gram:
            steps = self.steps.filter { !$0.isProduct && $0.name != "normalize" }
            var gram = Cost.product(channels, keys, channels + 1, batch: groups)
            gram.operations /= 2
            steps += [
                CostedStep("x xᵀ", gram, isProduct: true),
                product("W_g x xᵀ", values, channels, channels, batch: groups),
                product("W_g x xᵀ W_φᵀ", values, channels, width, batch: groups),
            ]
        }
        if order.projectsQueries { steps += self.steps.filter { $0.name == "projection θ" } }
        switch order.tail {
        case .aggregate:
            steps.append(product("K θ", values, width, rows, batch: geometry.batch))
            steps += self.steps.filter { $0.name == "projection W_z" }
        case .output:
            steps += [
                product("W_z K", channels, values, width, batch: groups),
                product("W_z K θ", channels, width, rows, batch: geometry.batch),
            ]
        case .whole:
            steps += [
                product("W_z K", channels, values, width, batch: groups),
                product("W_z K W_θ", channels, width, channels, batch: groups),
                product("W_z K W_θ x", channels, channels, rows, batch: geometry.batch),
            ]
        }
        return steps
    }

    /// Rows and terms of the matrix that is applied to the queries.
    func applied(_ order: ProductOrder) -> (rows: Int, terms: Int) {
        switch order.tail {
        case .aggregate: (configuration.valueChannels, width)
        case .output: (geometry.channels, width)
        case .whole: (geometry.channels, geometry.channels)
        }
    }

    /// Elements of each buffer for one batch item.
    func elementsPerItem(
        _ method: Method, _ order: ProductOrder, sharesHostMemory: Bool
    ) -> [BufferRole: Int] {
        let (channels, values, groups) = (
            geometry.channels, configuration.valueChannels, geometry.keys.groups
        )
        var elements = elementsPerItem(method, sharesHostMemory: sharesHostMemory)
        if !order.projectsQueries { elements[.theta] = nil }
        if !order.projectsKeys { for role in [BufferRole.phi, .g] { elements[role] = nil } }
        if order.tail != .aggregate { elements[.aggregate] = nil }
        if order.head == .gram {
            if method.groupTile == nil {
                elements[.centre] = groups * channels
                elements[.gram] = groups * channels * (channels + 2)
                elements[.valueGram] = groups * values * (channels + 2)
            } else {
                elements[.centre] = groups * (channels + 1) * TileCentreKernel.moments
                elements[.centred] = groups * channels * geometry.keys.count
                elements[.gram] = groups * channels * channels
                elements[.valueGram] = groups * values * channels
                elements[.valueMeans] = groups * values * 2
                elements[.keyMeans] = groups * width * 2
                elements[.meanProduct] = groups * values * width
            }
        }
        elements[.keyProduct] = groups * values * width
        if order.tail != .aggregate { elements[.outputProduct] = groups * channels * width }
        if order.tail == .whole {
            elements[.wholeProduct] = groups * channels * channels
            elements[.wholeBias] = groups * channels
        }
        let applied = applied(order)
        elements[.packedProduct] = method.tile.map { groups * $0.packedByRows(applied.rows, applied.terms) }
        return elements
    }

    /// Elements of all weights, packed for a tile or as they are.
    func weightElements(_ order: ProductOrder, _ tile: PanelTile?) -> Int {
        let (channels, values) = (geometry.channels, configuration.valueChannels)
        func map(_ outputs: Int, _ inputs: Int) -> Int {
            (tile?.packedByRows(outputs, inputs) ?? outputs * inputs) + outputs
        }
        var elements = projectionGroups(order).reduce(normGroups > 0 ? 2 * channels : 0) { sum, group in
            sum + map(group.reduce(0) { $0 + ($1 == .g ? values : width) }, channels)
        }
        if order.head == .gram { elements += map(values, channels) + values + map(width, channels + 1) }
        elements += map(channels, values) + (order.tail == .aggregate ? values : channels)
        if order.tail == .whole { elements += map(channels, width) + map(1, width) }
        return elements
    }

    /// Elements that the product over the keys, of φ and g or of x with itself, leaves to be merged by the tile
    /// kernels.
    func productShares(_ order: ProductOrder, _ tile: GroupTile, items: Int) -> Int {
        let (rows, columns) =
            order.projectsKeys
            ? (configuration.valueChannels, width) : (geometry.channels, geometry.channels)
        return tile.productShares(
            ProductSize(
                rows: rows, terms: geometry.keys.count, columns: columns, groups: items * geometry.keys.groups
            )
        ).shared
    }

    /// What the products of positions leave to be merged.
    func gramBlocks(_ order: ProductOrder, _ tile: PanelTile, items: Int) -> PanelTile.GramBlocks {
        let (rows, columns) =
            order.head == .gram
            ? (geometry.channels, geometry.channels) : (configuration.valueChannels, width)
        return tile.gramBlocks(
            rows: rows, columns: columns, positions: geometry.keys.count, groups: items * geometry.keys.groups
        )
    }

    /// Elements of scratch memory that the largest launch takes.
    func scratch(_ order: ProductOrder, _ tile: PanelTile, items: Int) -> Int {
        let (channels, values) = (geometry.channels, configuration.valueChannels)
        let groups = items * geometry.keys.groups
        var launches = [gramBlocks(order, tile, items: items).scratch]
        func add(_ outputs: Int, _ inputs: Int, _ positions: Int, _ items: Int) {
            launches.append(
                tile.projectionBlocks(inputs: inputs, outputs: outputs, positions: positions, items: items)
                    .scratch)
        }
        for group in projectionGroups(order) {
            add(
                group.reduce(0) { $0 + ($1 == .g ? values : width) }, channels,
                group[0] == .theta ? rows : projectedPositions, items)
        }
        if order.head == .gram {
            add(values, channels, channels + 2, groups)
            add(width, channels + 1, values, groups)
        }
        if order.tail != .aggregate { add(channels, values, width, groups) }
        if order.tail == .whole {
            add(channels, width, channels, groups)
            add(1, width, channels, groups)
        }
        let applied = applied(order)
        if isSubset {
            // They are applied a run of queries at a time, however the runs fall.
            launches.append(
                tile.projectionScratchLimit(
                    inputs: applied.terms, outputs: applied.rows, positions: rows))
        } else {
            add(applied.rows, applied.terms, geometry.queries.count, groups)
        }
        if order.tail == .aggregate { add(channels, values, rows, items) }
        return launches.max() ?? 0
    }
}
