import NonLocalKernels
public import SwiftOpenCL

/// The most a device can do in float32, measured: chains of multiply-adds in registers.
///
/// Clocks drift, so a speed is compared with readings taken in between, and with the best of them.
public final class Roof: Sendable {
    private let session: OpenCLSession
    private let kernel: Kernel
    private let result: Buffer<Float>
    private let workItems: Int
    private let groupSize: Int
    private let lanes: Int

    private static let chains = 12

    /// Prepares the measurement on a device.
    ///
    /// - Throws: `OpenCLError` if its kernel can't be built or its memory not be had.
    public init(_ device: Device) throws {
        session = try OpenCLSession(device)
        let isCPU = device.type == .cpu
        let width = isCPU ? max(device.nativeVectorWidthFloat, 1) : 1
        lanes = [16, 8, 4, 2].first { $0 <= width } ?? 1
        groupSize = isCPU ? 1 : min(256, device.maxWorkGroupSize)
        workItems = device.computeUnits * (isCPU ? 4 : 16 * groupSize)
        kernel = try session.library.kernel(
            "roof", of: [.view, .roof], defining: ["VECTOR": "float\(lanes > 1 ? "\(lanes)" : "")"])
        result = try Buffer(session.context, count: workItems)
    }

    /// One reading: operations a second; a multiply-add is two.
    ///
    /// - Parameter seconds: about how long it may take.
    public func reading(seconds: Double = 0.02) throws -> Double {
        var iterations = 20_000
        while true {
            let elapsed = try run(iterations: iterations)
            if elapsed >= seconds / 2 || iterations >= 1 << 28 {
                return operations(iterations) / elapsed
            }
            let factor = min(max(seconds / max(elapsed, 1e-6), 2), 100)
            iterations = min(Int(Double(iterations) * factor), 1 << 28)
        }
    }

    private func operations(_ iterations: Int) -> Double {
        2 * Double(Self.chains * lanes) * Double(iterations) * Double(workItems)
    }

    private func run(iterations: Int) throws -> Double {
        let launcher = session.launcher()
        // Neither grows nor shrinks into numbers that take longer.
        try launcher.launch(
            kernel, [result, Float(0.999), Float(0.001), Int32(iterations)], global: [workItems],
            local: [groupSize])
        return try launcher.finish()
    }
}
