import Foundation
import SwiftOpenCL
import Testing

@testable import NonLocal

/// What needs the layer between OpenCL's loader and its drivers, one after the other: it counts for the process.
@Suite(.enabled(if: FaultLayer.isThere, "Scripts/faults runs it"), .serialized)
enum LayerTests {}

extension LayerTests {
    /// Every call to OpenCL is made to fail in turn, by `Scripts/faults`: what comes of it has to be a typed error or
    /// the right result, nothing may stay held, and the same object and a new one have to work afterwards.
    @Suite struct FaultTests {
        /// With all statuses of each function, else with one in turn.
        private static let isLong = ProcessInfo.processInfo.environment["NONLOCAL_FAULTS"] == "all"

        @Test(arguments: FaultScenario.all.map(\.name))
        func everyCall(_ name: String) throws {
            let scenario = try #require(FaultScenario.all.first { $0.name == name })
            let layer = try FaultLayer()
            let device = try DeviceSelector.automatic.device()
            layer.reset()
            let expected = try scenario.make(scenario.session(on: device))()
            #expect(layer.leaks() == nil)
            var perFunction: [String: Int] = [:]
            for function in layer.names where layer.calls(of: function) > 0 {
                perFunction[function] = layer.calls(of: function)
            }
            var outcomes: [String: Int] = [:]
            for (function, count) in perFunction.sorted(by: { $0.key < $1.key }) {
                let statuses = FaultStatuses.all(of: function)
                for nth in Self.chosen(count) {
                    for status in Self.isLong ? statuses : [statuses[nth % statuses.count]] {
                        let outcome = try outcome(
                            scenario, device, layer, expected,
                            Fault(function: function, nth: nth, status: status))
                        outcomes[outcome, default: 0] += 1
                    }
                }
            }
            let sites = perFunction.values.reduce(0, +)
            print("\(name): \(sites) calls of \(perFunction.count) functions: \(outcomes)")
            #expect(sites > 20 && (outcomes["an error"] ?? 0) > 20)
        }

        /// All calls to a function, or the first, the last and some between.
        private static func chosen(_ count: Int) -> [Int] {
            let most = isLong ? count : 10
            return count <= most ? Array(0..<count) : (0..<most).map { $0 * (count - 1) / (most - 1) }
        }

        /// A device that is lost stays lost: every call from the n-th on fails.
        @Test(arguments: FaultScenario.all.map(\.name))
        func fromACallOn(_ name: String) throws {
            let scenario = try #require(FaultScenario.all.first { $0.name == name })
            let layer = try FaultLayer()
            let device = try DeviceSelector.automatic.device()
            layer.reset()
            let expected = try scenario.make(scenario.session(on: device))()
            let count = layer.calls()
            for nth in stride(from: 0, to: count, by: Self.isLong ? 1 : max(1, count / 20)) {
                let fault = Fault(function: nil, nth: nth, status: -9999, forGood: true)
                _ = try outcome(scenario, device, layer, expected, fault)
            }
        }

        private struct Fault: CustomStringConvertible {
            let function: String?
            let nth: Int
            let status: Int32
            var forGood = false

            var description: String {
                "\(function ?? "call") no. \(nth)\(forGood ? " and on" : "") fails with \(status)"
            }
        }

        private func outcome(
            _ scenario: FaultScenario, _ device: Device, _ layer: FaultLayer, _ expected: [Float],
            _ fault: Fault
        ) throws -> String {
            layer.reset()
            let before = layer.counts
            layer.fail(fault.nth, of: fault.function, with: fault.status, forGood: fault.forGood)
            var outcome = "no error"
            var run: (() throws -> [Float])?
            do {
                let made = try scenario.make(scenario.session(on: device))
                run = made
                try compare(made(), expected, "\(scenario.name): \(fault)")
            } catch {
                outcome = "an error"
                #expect(isTyped(error), "\(scenario.name): \(fault): \(error)")
            }
            layer.reset()
            // The object that met with it works again, once calls succeed again.
            if let again = run {
                do {
                    try compare(again(), expected, "\(scenario.name), again after: \(fault)")
                } catch {
                    Issue.record("\(scenario.name), again after: \(fault): \(error)")
                }
            }
            run = nil
            let leaks = layer.leaks(beside: before)
            #expect(leaks == nil, "\(scenario.name): \(fault)")
            return outcome
        }

        private func isTyped(_ error: any Error) -> Bool {
            switch error {
            case let error as OpenCLError:
                !error.call.isEmpty && error.code != 0 && !error.description.isEmpty
            case let error as NonLocalError: error.code != .mismatch && !error.message.isEmpty
            default: false
            }
        }

        private func compare(_ actual: [Float], _ expected: [Float], _ context: String) {
            let scale = expected.reduce(0) { max($0, $1.magnitude) }
            let isClose =
                actual.count == expected.count
                && zip(actual, expected).allSatisfy { ($0 - $1).magnitude <= 1e-5 * scale }
            #expect(isClose, "\(context): no error, and a wrong result")
        }

        /// What there is on the machine is asked for again each time, and asking may fail.
        @Test func lookingForDevices() throws {
            let layer = try FaultLayer()
            layer.reset()
            let names = try Device.all().map(\.name)
            let count = layer.calls()
            for nth in 0..<count {
                for status in [FaultStatuses.outOfResources, FaultStatuses.outOfHostMemory, -30] {
                    layer.reset()
                    layer.fail(nth, with: status)
                    do {
                        #expect(try Device.all().count <= names.count)
                    } catch {
                        #expect(isTyped(error), "\(nth): \(error)")
                    }
                }
            }
            layer.reset()
            #expect(try Device.all().map(\.name) == names && layer.leaks() == nil)
        }
    }
}
