import SwiftOpenCL

extension Plan {
    /// The plan of the staged strategy on a device.
    init(
        staged steps: [CostedStep], inputShape: [Int], _ layout: StagedLayout, on device: Device,
        memoryLimit: Int
    ) {
        let size = MemoryLayout<Float>.stride
        let buffers = BufferRole.allCases.compactMap { role in
            layout.elements[role].map { Allocation(name: role.rawValue, bytes: $0 * size) }
        }
        self.init(
            backend: "opencl", device: device.name, strategy: .staged, precision: .float32,
            inputShape: inputShape, steps: steps.map(Step.init), textbookOperations: steps.operations,
            executedOperations: steps.operations,
            allocations: buffers + [Allocation(name: "weights", bytes: layout.weightElements * size)],
            peakMemory: layout.bytes, memoryLimit: memoryLimit, itemsPerSlice: layout.itemsPerSlice,
            groupsPerBlock: layout.blocks.groups, rowsPerBlock: layout.blocks.rows)
    }

    /// The plan of the CPU reference.
    init(reference steps: [CostedStep], inputShape: [Int]) {
        self.init(
            backend: "cpu", device: nil, strategy: .staged, precision: .float32, inputShape: inputShape,
            steps: steps.map(Step.init), textbookOperations: steps.operations,
            executedOperations: steps.operations, allocations: [], peakMemory: 0, memoryLimit: 0,
            itemsPerSlice: 1, groupsPerBlock: 1, rowsPerBlock: 1)
    }
}

extension Plan.Step {
    fileprivate init(_ step: CostedStep) {
        self.init(name: step.name, operations: step.cost.operations, bytes: step.cost.bytes)
    }
}
