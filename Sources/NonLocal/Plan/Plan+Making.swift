import SwiftOpenCL

extension Plan {
    /// The plan of a schedule on a device.
    ///
    /// - Parameters:
    ///   - textbook: the steps of the formulas.
    ///   - executed: those of the schedule's method.
    ///   - alternatives: what else was weighed.
    ///   - notes: what the caller should know of the choice.
    init(
        textbook: [CostedStep], executed: [CostedStep], inputShape: [Int], _ schedule: Schedule,
        on device: Device, memoryLimit: Int, alternatives: [Alternative], notes: [String]
    ) {
        let size = MemoryLayout<Float>.stride
        let buffers = BufferRole.allCases.compactMap { role in
            schedule.elements[role].map { Allocation(name: role.rawValue, bytes: $0 * size) }
        }
        self.init(
            backend: "opencl", device: device.name, strategy: schedule.method.strategy,
            skipsBlocks: schedule.method.skips,
            kernels: schedule.method.kernels, tile: schedule.method.tile.map(Tile.init),
            workGroupTile: schedule.method.groupTile.map(WorkGroupTile.init),
            form: schedule.method.visibleForm, absorbed: schedule.method.absorbed.names,
            order: schedule.method.order.map { "\($0.head.rawValue), \($0.tail.rawValue)" },
            precision: schedule.method.precision,
            inputShape: inputShape,
            steps: executed.map(Step.init), textbookOperations: textbook.operations,
            executedOperations: executed.operations,
            skippableOperations: schedule.method.skips ? executed.pairOperations : 0,
            allocations: buffers + [Allocation(name: "weights", bytes: schedule.weightElements * size)],
            peakMemory: schedule.bytes, memoryLimit: memoryLimit, itemsPerSlice: schedule.itemsPerSlice,
            groupsPerBlock: schedule.blocks?.groups, rowsPerBlock: schedule.blocks?.rows,
            alternatives: alternatives, notes: notes)
    }

    /// The plan of the CPU reference.
    init(reference steps: [CostedStep], inputShape: [Int]) {
        self.init(
            backend: "cpu", device: nil, strategy: .staged, skipsBlocks: false, kernels: nil, tile: nil,
            workGroupTile: nil, form: nil, absorbed: nil, order: nil,
            precision: .float32,
            inputShape: inputShape,
            steps: steps.map(Step.init), textbookOperations: steps.operations,
            executedOperations: steps.operations, skippableOperations: 0, allocations: [], peakMemory: 0,
            memoryLimit: 0,
            itemsPerSlice: 1, groupsPerBlock: nil, rowsPerBlock: nil, alternatives: [], notes: [])
    }
}

extension Plan.Step {
    fileprivate init(_ step: CostedStep) {
        self.init(name: step.name, operations: step.cost.operations, bytes: step.cost.bytes)
    }
}
