@testable import NonLocal
import Testing

@testable import NonLocalCLI

@Suite struct ProgressDisplayTests {
    private let quarter = RunProgress(operations: 25e9, operationsInAll: 100e9, seconds: 5)

    @Test func saysHowFarItIs() {
        #expect(ProgressDisplay.words(quarter) == " 25 %  5 GFLOP/s  0:15 left")
        let begun = RunProgress(operations: 0, operationsInAll: 100e9, seconds: 5)
        #expect(ProgressDisplay.words(begun) == "  0 %")
        let long = RunProgress(operations: 1e9, operationsInAll: 1000e9, seconds: 10)
        #expect(ProgressDisplay.words(long) == "  0 %  0 GFLOP/s  2:46:30 left")
    }

    /// The last column stays free: a terminal would go on to a new line.
    @Test(arguments: [0, 1, 5, 20, 28, 34, 35, 40, 60, 80, 200]) func fitsTheTerminal(_ columns: Int) {
        let bar = ProgressDisplay.bar(quarter, columns: columns)
        #expect(bar.count <= max(columns - 1, 0))
        #expect(!bar.contains("\n"))
        if columns >= 40 { #expect(bar.hasPrefix("[") && bar.hasSuffix(" 25 %  5 GFLOP/s  0:15 left")) }
    }

    @Test func theBarGrows() {
        func filled(_ operations: Double) -> Int {
            ProgressDisplay.bar(
                RunProgress(operations: operations, operationsInAll: 100, seconds: 1), columns: 200
            ).count { $0 == "#" }
        }
        #expect(filled(0) == 0 && filled(50) == 20 && filled(100) == 40)
    }
}
