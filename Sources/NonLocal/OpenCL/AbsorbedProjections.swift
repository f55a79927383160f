/// Maps of the queries that are applied to the keys: φ becomes W_θᵀ φ with the bias b_θᵀ φ, g becomes W_z g + b_z.
struct AbsorbedProjections: Sendable {
    /// What takes the place of φ and g, those that maps are absorbed into.
    struct Keys: Sendable {
        var phi: View?
        /// What is added to the scores of each key.
        var bias: View?
        var g: View?
    }

    private let problem: BlockProblem
    private let method: Method
    private let projector: Projector
    /// W_θᵀ and b_θᵀ.
    private let theta: Projector.Maps?
    private let output: Projector.Maps?

    /// - Parameter output: W_z as the projector has it.
    init(
        _ problem: BlockProblem, _ method: Method, _ projector: Projector, theta: Linear?,
        output: Projector.Maps
    ) throws {
        self.problem = problem
        self.method = method
        self.projector = projector
        self.theta =
            method.absorbed.contains(.theta)
            ? try theta.map { try projector.load([$0.transposed, $0.biasAsMap]) } : nil
        self.output = method.absorbed.contains(.output) ? output : nil
    }

    /// Applies the maps to φ and g as they are in memory.
    func apply(
        _ launcher: Launcher, to projected: BlockProjections.Projected, items: Int, _ workspace: Workspace
    ) throws -> Keys {
        let positions = problem.geometry.keys
        func apply(_ maps: Projector.Maps, _ role: BufferRole, to results: [View]) throws {
            try projector.launch(
                launcher, maps, from: projected.required(role).grouped(by: positions), to: results,
                positions: positions.count, items: items * positions.groups, workspace)
        }
        var keys = Keys()
        if let theta {
            let phi = try workspace.packedKeys(.phi, of: problem, method)
            let bias = View(
                try workspace.required(.scoreBias), channels: 1, positions: problem.keyPositions
            ).grouped(by: positions)
            try apply(theta, .phi, to: [phi, bias])
            (keys.phi, keys.bias) = (phi, bias)
        }
        if let output {
            let g = try workspace.packedKeys(.g, of: problem, method)
            try apply(output, .g, to: [g])
            keys.g = g
        }
        return keys
    }
}
