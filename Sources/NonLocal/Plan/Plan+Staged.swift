import SwiftOpenCL

extension Plan {
    /// The plan of the staged strategy on a device.
    init(staged problem: BlockProblem, _ layout: StagedLayout, on device: Device, memoryLimit: Int) {
        backend = "opencl"
        self.device = device.name
        strategy = .staged
        precision = .float32
        inputShape = problem.geometry.shape
        steps = problem.steps.map { Step(name: $0.name, operations: $0.cost.operations, bytes: $0.cost.bytes) }
        textbookOperations = problem.textbookOperations
        executedOperations = problem.textbookOperations
        let size = MemoryLayout<Float>.stride
        allocations =
            BufferRole.allCases.compactMap { role in
                layout.elements[role].map { Allocation(name: role.rawValue, bytes: $0 * size) }
            } + [Allocation(name: "weights", bytes: layout.weightElements * size)]
        peakMemory = layout.bytes
        self.memoryLimit = memoryLimit
        itemsPerSlice = layout.itemsPerSlice
        groupsPerBlock = layout.blocks.groups
        rowsPerBlock = layout.blocks.rows
    }

    /// The plan of the CPU reference.
    init(reference problem: BlockProblem) {
        backend = "cpu"
        device = nil
        strategy = .staged
        precision = .float32
        inputShape = problem.geometry.shape
        steps = problem.steps.map { Step(name: $0.name, operations: $0.cost.operations, bytes: $0.cost.bytes) }
        textbookOperations = problem.textbookOperations
        executedOperations = problem.textbookOperations
        allocations = []
        peakMemory = 0
        memoryLimit = 0
        itemsPerSlice = 1
        groupsPerBlock = 1
        rowsPerBlock = 1
    }
}
