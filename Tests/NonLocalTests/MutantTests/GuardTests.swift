import NonLocalKernels
import SwiftOpenCL
import Testing

@testable import NonLocal

/// Kernels as they are, with margins around all buffers and NaN in them: run by `Scripts/guards`.
@Suite(.enabled(if: GuardLayer.isThere, "Scripts/guards runs it"), .serialized)
struct GuardTests {
    private let guards: GuardLayer
    private let device: Device

    init() throws {
        guards = try GuardLayer()
        device = try DeviceSelector.automatic.device()
    }

    /// Every check that `Scripts/mutants` judges by passes, and writes nothing beside a buffer.
    @Test func kernelsKeepToTheirBuffers() throws {
        var seen: Set<String> = []
        let session = try OpenCLSession(device)
        for source in KernelSource.allCases where !Mutant.exempt.contains(source) {
            for check in try MutantCheck.all(for: source, session) where seen.insert(check.name).inserted {
                _ = guards.damagedBuffers()
                #expect(try check.passes(session), "\(check.name)")
                #expect(guards.damagedBuffers() == 0, "\(check.name) writes beside a buffer")
            }
        }
        #expect(seen.count > 200)
    }

    /// One number too many is noticed though the result is right.
    @Test func writingBesideABufferIsNoticed() throws {
        let source = KernelSource.panelGramMerge
        let text = source.text.replacing(
            "i < last; i++) product[AT(view, first + i, row)]",
            with: "i <= last; i++) product[AT(view, first + i, row)]")
        try #require(text != source.text)
        let check = try #require(
            try MutantCheck.all(for: source, OpenCLSession(device)).first {
                $0.name.contains("squared")
            })
        _ = guards.damagedBuffers()
        _ = try check.passes(OpenCLSession(device, overriding: [source: text]))
        #expect(guards.damagedBuffers() > 0)
    }

    /// A share too many, of which nobody has written anything, makes the result NaN.
    @Test func readingWhatNobodyWroteIsNoticed() throws {
        let source = KernelSource.panelMerge
        let text = source.text.replacing("share < shares", with: "share <= shares")
        try #require(text != source.text)
        let checks = try MutantCheck.all(for: source, OpenCLSession(device))
        let check = try #require(checks.first { $0.name.hasSuffix("16 workers") })
        #expect(try !check.passes(OpenCLSession(device, overriding: [source: text])))
    }
}
