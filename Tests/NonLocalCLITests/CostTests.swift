import Testing

@Suite struct CostTests {
    @Test func thePapersFiveBlocks() throws {
        let folder = try Folder()
        let arguments = ["cost", "2:res3", "3:res4", "--subsample", "pool-first", "--network", "resnet101"]
        let command = try Command.run(arguments, in: folder)
        #expect(command.status == 0, "\(command.errors)")
        for words in ["3136 × 784", "2,101,760", "1.185", "2.370", "1.238 ×", "1.170 ×", "GFLOP"] {
            #expect(command.output.contains(words), "no \(words) in:\n\(command.output)")
        }
        let report = try Command.run(arguments + ["--json"], in: folder).object()
        #expect(report["parameters"] as? Double == 7_358_464)
        #expect(abs(try #require(report["operation_ratio"] as? Double) - 1.238) < 0.0005)
        let multiplyAdds = try #require(report["multiply_adds"] as? Double)
        #expect(report["flop"] as? Double == 2 * multiplyAdds)
        #expect(try #require(report["blocks"] as? [Any]).count == 2)
    }

    @Test func aShapeOfOnesOwn() throws {
        let command = try Command.run(
            ["cost", "2x6x4x5", "--inner", "2", "--pairwise", "concatenation", "--no-norm", "--json"],
            in: Folder())
        #expect(command.status == 0, "\(command.errors)")
        let blocks = try #require(try command.object()["blocks"] as? [[String: Any]])
        // θ, φ and g of 2·6 + 2, W_z of 6·2 + 6, w_f of 4.
        #expect(blocks[0]["parameters"] as? Int == 3 * 14 + 18 + 4)
        #expect(blocks[0]["shape"] as? [Int] == [2, 6, 4, 5])
    }

    @Test func aStageIsNamedInAnyLayout() throws {
        let first = try Command.run(["cost", "res4/8", "--json"], in: Folder()).object()
        let last = try Command.run(
            ["cost", "res4/8", "--layout", "channels-last", "--json"], in: Folder()
        ).object()
        #expect(first["multiply_adds"] as? Double == last["multiply_adds"] as? Double)
    }

    @Test(arguments: [
        ["cost"], ["cost", "res6"], ["cost", "0:res4"], ["cost", "res4/0"], ["cost", "1:2:res4"],
        ["cost", "res4", "--network", "big"], ["cost", "res4", "--network", "1,-2"], ["cost", ""],
    ]) func wrongUsage(_ arguments: [String]) throws {
        #expect(try Command.run(arguments, in: Folder()).status == 64)
    }

    @Test(arguments: [
        ["cost", "3x4"], ["cost", "1x6x4x4", "--pool", "1,9,9", "--subsample", "pool-first"],
        ["cost", "99999999999x99999999999x99999999999"],
    ]) func impossibleBlocks(_ arguments: [String]) throws {
        let command = try Command.run(arguments, in: Folder())
        #expect(command.status == 1)
        #expect(!command.message.isEmpty)
    }
}
