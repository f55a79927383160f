import Foundation
import NonLocal
import Testing

/// Whatever is wrong with its input, `run` says so in one line on stderr, exits with 1 and leaves nothing
/// behind.
@Suite(.needsDevice) struct BadInputTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        /// What the message has to name.
        let words: [String]
        var options: [String] = []
        var output = "z.npy"
        /// Spoils the good files x.npy and block.safetensors.
        var spoil: @Sendable (Folder) throws -> Void = { _ in }
    }

    static let cases: [Case] =
        inputFiles + weightFiles + [
            Case(
                testDescription: "unknown device", words: ["'no such device'", "0: "],
                options: ["--device", "no such device"]),
            Case(
                testDescription: "device number out of range", words: ["'99'", "0: "],
                options: ["--device", "99"]
            ),
            Case(
                testDescription: "pooling that leaves nothing", words: ["no key position"],
                options: ["--subsample", "conv-first", "--pool", "1,9,9"]),
            Case(
                testDescription: "pool without sub-sampling", words: ["--pool"], options: ["--pool", "1,2,2"]),
            Case(
                testDescription: "output folder missing", words: ["'nowhere'", "'nowhere/z.npy'"],
                output: "nowhere/z.npy"),
            Case(testDescription: "output is this folder", words: ["is a folder"], output: "."),
            Case(testDescription: "output is the root", words: ["is a folder"], output: "/"),
            Case(testDescription: "output ends in a slash", words: ["'z'"], output: "z/"),
            Case(testDescription: "output without a name", words: ["empty"], output: ""),
            Case(
                testDescription: "attention's folder missing", words: ["'nowhere'"],
                options: ["--attention", "nowhere/a.npy"]),
            Case(
                testDescription: "concatenation without w_f", words: ["w_f"],
                options: ["--pairwise", "concatenation"]),
            Case(
                testDescription: "scope without time", words: ["scope space"], options: ["--scope", "space"]),
            Case(
                testDescription: "groups without group norm", words: ["--group-norm"],
                options: ["--group-norm", "2"]),
            Case(
                testDescription: "own weight with pooling", words: ["own weight"],
                options: ["--own-weight", "exclude", "--subsample", "conv-first"]),
            Case(testDescription: "too little memory", words: ["memory"], options: ["--memory-limit", "16"]),
        ]

    static let inputFiles: [Case] = [
        Case(testDescription: "input missing", words: ["'x.npy'"]) {
            try FileManager.default.removeItem(atPath: $0.file("x.npy"))
        },
        Case(testDescription: "input empty", words: ["'x.npy'"]) { try $0.write([], to: "x.npy") },
        Case(testDescription: "input truncated", words: ["'x.npy'"]) {
            try $0.write(Inputs.truncated($0.file("x.npy"), by: 1), to: "x.npy")
        },
        Case(testDescription: "input of wrong magic", words: ["'x.npy'"]) {
            try $0.write(Array("PK\u{3}\u{4} no array".utf8), to: "x.npy")
        },
        Case(testDescription: "input's header promises more", words: ["'x.npy'"]) {
            try $0.write(Inputs.npy(shape: "(1, 6, 100000, 1000)", bytes: 96), to: "x.npy")
        },
        Case(testDescription: "input's shape overflows", words: ["'x.npy'"]) {
            try $0.write(Inputs.npy(shape: "(4294967296, 4294967296, 4)", bytes: 96), to: "x.npy")
        },
        Case(testDescription: "input's extent overflows", words: ["'x.npy'"]) {
            try $0.write(Inputs.npy(shape: "(1, 6, 99999999999999999999999)", bytes: 96), to: "x.npy")
        },
        Case(testDescription: "input's extent is negative", words: ["'x.npy'"]) {
            try $0.write(Inputs.npy(shape: "(1, -6, 4)", bytes: 96), to: "x.npy")
        },
        Case(testDescription: "input of integers", words: ["'x.npy'", "i4"]) {
            try $0.write(Inputs.npy(dtype: "<i4", shape: "(1, 6, 4)", bytes: 96), to: "x.npy")
        },
        Case(testDescription: "input of a zero dimension", words: ["[1, 6, 0]"]) {
            try $0.write(Inputs.npy(shape: "(1, 6, 0)", bytes: 0), to: "x.npy")
        },
        Case(testDescription: "input of no batch items", words: ["[0, 6, 4]"]) {
            try $0.write(Inputs.npy(shape: "(0, 6, 4)", bytes: 0), to: "x.npy")
        },
        Case(testDescription: "input of two dimensions", words: ["[6, 4]"]) {
            try $0.write(Inputs.npy(shape: "(6, 4)", bytes: 96), to: "x.npy")
        },
        Case(testDescription: "input of other channels", words: ["5 channels", "6"]) {
            try $0.write(Inputs.npy(shape: "(1, 5, 4)", bytes: 80), to: "x.npy")
        },
        Case(testDescription: "NaN in the input", words: ["nan", "index 7"]) {
            try nonFinite(.nan, at: 7).write(npy: $0.file("x.npy"))
        },
        Case(testDescription: "infinity in the input", words: ["-inf", "index 0"]) {
            try nonFinite(-.infinity, at: 0).write(npy: $0.file("x.npy"))
        },
    ]

    static let weightFiles: [Case] = [
        Case(testDescription: "weights missing", words: ["'block.safetensors'"]) {
            try FileManager.default.removeItem(atPath: $0.file("block.safetensors"))
        },
        Case(testDescription: "weights truncated", words: ["'block.safetensors'"]) {
            try $0.write(Inputs.truncated($0.file("block.safetensors"), by: 4), to: "block.safetensors")
        },
        Case(testDescription: "weights of wrong magic", words: ["'block.safetensors'"]) {
            try $0.write(Array("\u{80}\u{2}}q".utf8), to: "block.safetensors")
        },
        Case(testDescription: "weights' header promises more", words: ["'block.safetensors'", "99999"]) {
            try $0.write(Inputs.safetensors("{}", bytes: 8, headerLength: 99999), to: "block.safetensors")
        },
        Case(testDescription: "weights' shape overflows", words: ["'block.safetensors'", "'theta.weight'"]) {
            let entry = #"{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,8]}"#
            try $0.write(
                Inputs.safetensors("{\"theta.weight\":\(entry)}", bytes: 8), to: "block.safetensors")
        },
        Case(testDescription: "weights of integers", words: ["'block.safetensors'", "I32"]) {
            let path = $0.file("block.safetensors")
            let bytes = try Data(contentsOf: URL(filePath: path))
            var text = String(decoding: bytes[8..<400], as: UTF8.self)
            text = text.replacing("F32", with: "I32", maxReplacements: 1)
            try $0.write(
                Array(bytes[..<8]) + Array(text.utf8) + Array(bytes[400...]), to: "block.safetensors")
        },
        Case(testDescription: "weights for other channels", words: ["6 channels", "4"]) {
            try SafeTensors.write(Inputs.block(channels: 4), to: $0.file("block.safetensors"))
        },
        Case(testDescription: "weights that don't fit each other", words: ["'block.safetensors'"]) {
            var block = try Inputs.block()
            block[2].tensor = try .normal(shape: [2, Inputs.channels, 1, 1], seed: 1)
            try SafeTensors.write(block, to: $0.file("block.safetensors"))
        },
        Case(testDescription: "missing key", words: ["'W.weight'", "g.weight", "W.bias"]) {
            let block = try Inputs.block().filter { $0.name != "W.weight" }
            try SafeTensors.write(block, to: $0.file("block.safetensors"))
        },
        Case(testDescription: "several blocks without a prefix", words: ["nl_1.", "nl_2."]) {
            let blocks = try Inputs.block(prefix: "nl_1.") + Inputs.block(prefix: "nl_2.")
            try SafeTensors.write(blocks, to: $0.file("block.safetensors"))
        },
    ]

    @Test(arguments: cases) func isRefusedWithAMessage(_ bad: Case) throws {
        let folder = try Folder()
        try Inputs.write(to: folder)
        try bad.spoil(folder)
        let before = folder.names
        let command = try Command.run(
            ["run", "--input", "x.npy", "--weights", "block.safetensors", "--output", bad.output]
                + bad.options,
            in: folder)
        #expect(command.status == 1)
        #expect(command.output.isEmpty)
        #expect(command.message.count > "nonlocal: ".count, "\(command.errors)")
        for word in bad.words { #expect(command.errors.contains(word), "\(command.errors)") }
        #expect(folder.names == before)
    }

    @Test(arguments: [Float.nan, .infinity]) func nonFiniteNumbersPassIfAllowed(number: Float) throws {
        let folder = try Folder()
        try Inputs.write(to: folder)
        try Self.nonFinite(number, at: 7).write(npy: folder.file("x.npy"))
        let command = try Command.run(
            [
                "run", "--input", "x.npy", "--weights", "block.safetensors", "--output", "z.npy",
                "--allow-nonfinite", "--validate", "off",
            ], in: folder)
        #expect(command.status == 0, "\(command.errors)")
        let z = try Tensor<Float>(npy: folder.file("z.npy"))
        #expect(z.shape == [1, Inputs.channels, 4])
        #expect(z.elements.contains { !$0.isFinite })
    }

    private static func nonFinite(_ number: Float, at index: Int) throws -> Tensor<Float> {
        var elements = [Float](repeating: 1, count: Inputs.channels * 4)
        elements[index] = number
        return try Tensor(shape: [1, Inputs.channels, 4], elements: elements)
    }
}
