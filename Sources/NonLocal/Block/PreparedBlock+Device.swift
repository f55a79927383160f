import Foundation
import SwiftOpenCL

/// A result that stayed on the device, with what was measured on the way.
public struct DeviceResult: Sendable {
    /// z, in the shape of x.
    public let output: DeviceTensor
    /// What was measured. Wall-clock seconds end when z is complete on the device.
    public let report: RunReport
}

extension PreparedBlock {
    /// Brings a tensor to where the block computes.
    ///
    /// - Throws: `OpenCLError` from the device; ``NonLocalError/Code/nonFinite`` for NaN or infinity in x, where
    ///   that wasn't allowed: later it can't be told any more.
    public func upload(_ x: Tensor<Float>) throws -> DeviceTensor {
        try requireAllowed(x)
        return try session.map { try $0.upload(x) } ?? DeviceTensor(shape: x.shape, .host(x))
    }

    /// z = W_z y + x, from the device's memory into the device's memory.
    ///
    /// - Throws: as ``run(_:)-(DeviceTensor)``.
    public func callAsFunction(_ x: DeviceTensor) throws -> DeviceTensor { try run(x).output }

    /// z with what was measured on the way.
    ///
    /// Where the device does not work in the host's memory, rows can only be compared with the reference by
    /// fetching items; when that is done ``Validation/sampled(rows:every:seed:)`` says.
    ///
    /// - Parameter x: of the shape the block was prepared for, in the same session.
    /// - Throws: ``NonLocalError``: `.shape`; `.configuration` if x is not in the session's memory; `.mismatch` if
    ///   the result isn't what the reference says. `OpenCLError` from the device.
    public func run(_ x: DeviceTensor) throws -> DeviceResult {
        try check(shape: x.shape)
        guard let engine else {
            let result = try run(x.download())
            let place = try session.map { try $0.upload(result.output) }
            return DeviceResult(
                output: place ?? DeviceTensor(shape: x.shape, .host(result.output)), report: result.report)
        }
        let buffer = try x.buffer(in: engine.session)
        lock.lock()
        defer { lock.unlock() }
        defer { calls += 1 }
        let (z, report) = try options.onMismatch.result {
            let sample = affordableSample(nil)
            let start = ContinuousClock.now
            let sums = SumCopies()
            let (z, work) = try engine.output(buffer, sample.copies, sums)
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            let summed = try validate(sums, work)
            var validation = try validate(z, x, sample, work)
            budget.worked(seconds, then: validation)
            validation.add(summed)
            return (
                z, RunReport(validation: validation, seconds: seconds - summed.deviceSeconds, work: work)
            )
        } reference: {
            let (z, report) = try byReference(x.download(), nil)
            return (try engine.session.upload(z), report)
        }
        return DeviceResult(output: z, report: report)
    }

    private func validate(
        _ z: DeviceTensor, _ x: DeviceTensor, _ sample: Sample, _ work: DeviceWork
    ) throws -> ValidationReport {
        let start = ContinuousClock.now
        guard !sample.rows.isEmpty else {
            return .none(of: reference.geometry.grid.count * reference.geometry.batch)
        }
        let items = sample.rows.map(\.item)
        var report = try validate(
            z.download(items: items), x.download(items: items), nil, sample, work)
        report.seconds = (ContinuousClock.now - start) / .seconds(1)
        return report
    }
}
