import Foundation
import NonLocal
import Testing

/// A block as some program would save it: C = 4, d = 2, d_v = 3.
struct SavedBlock: Sendable, CustomTestStringConvertible {
    var dialect: Dialect
    /// Names after the prefix, and shapes.
    var tensors: [String: [Int]]
    var pairwise = Pairwise.embeddedGaussian
    var subsample = Subsample.none
    var pool = Pool.standard
    var scale = Scale.none
    var layout = Layout.channelsFirst
    var norm: String?

    var testDescription: String { "\(dialect) \(tensors.keys.sorted())" }

    /// Writes the blocks under their prefixes; every tensor has its own numbers 1, 2, 3, …
    static func write(_ blocks: [(prefix: String, block: SavedBlock)], to path: String) throws {
        var tensors: [(name: String, tensor: Tensor<Float>)] = []
        for (prefix, block) in blocks {
            for (name, shape) in block.tensors.sorted(by: { $0.key < $1.key }) {
                let count = shape.reduce(1, *)
                tensors.append(
                    (prefix + name, try Tensor(shape: shape, elements: (0..<count).map { Float($0 + 1) })))
            }
        }
        try SafeTensors.write(tensors, to: path)
    }
}

extension SavedBlock {
    static func batchNorm(_ stem: String) -> [String: [Int]] {
        ["weight", "bias", "running_mean", "running_var"].reduce(into: [:]) { $0["\(stem).\($1)"] = [4] }
            .merging(["\(stem).num_batches_tracked": []]) { $1 }
    }

    static func projections(
        _ names: [String], weight: String = ".weight", bias: String? = ".bias", ones: [Int] = []
    ) -> [String: [Int]] {
        let shapes = names.count == 4 ? [[2, 4], [2, 4], [3, 4], [4, 3]] : [[3, 4], [4, 3]]
        var tensors: [String: [Int]] = [:]
        for (name, shape) in zip(names, shapes) {
            tensors[name + weight] = shape + ones
            if let bias { tensors[name + bias] = [shape[0]] }
        }
        return tensors
    }

    static let all: [SavedBlock] = [
        SavedBlock(dialect: .alexHex7, tensors: projections(["theta", "phi", "g", "W"], ones: [1, 1])),
        SavedBlock(dialect: .alexHex7, tensors: projections(["g", "W"], ones: [1]), pairwise: .gaussian),
        SavedBlock(
            dialect: .alexHex7,
            tensors: projections(["theta", "phi.0", "g.0", "W.0"], ones: [1, 1, 1]).merging(batchNorm("W.1"))
            { $1 },
            subsample: .convFirst, norm: "batch"),
        SavedBlock(
            dialect: .alexHex7,
            tensors: projections(["theta", "phi", "g", "W"], ones: [1, 1])
                .merging(["concat_project.0.weight": [1, 4, 1, 1], "concat_project.0.bias": [1]]) { $1 },
            pairwise: .concatenation),
        SavedBlock(
            dialect: .mmcv,
            tensors: projections(
                ["theta.conv", "phi.conv", "g.conv", "conv_out.conv"], bias: nil, ones: [1, 1]
            )
            .merging(batchNorm("conv_out.bn")) { $1 },
            scale: .inverseSquareRoot, norm: "batch"),
        SavedBlock(
            dialect: .mmcv,
            tensors: projections(["theta.conv", "phi.0.conv", "g.0.conv", "conv_out.conv"], ones: [1, 1]),
            subsample: .convFirst, scale: .inverseSquareRoot),
        SavedBlock(
            dialect: .mmcv, tensors: projections(["g.0.conv", "conv_out.conv"], ones: [1, 1]),
            pairwise: .gaussian, subsample: .convFirst),
        SavedBlock(
            dialect: .mmcv,
            tensors: projections(["theta.conv", "phi.conv", "g.conv", "conv_out.conv"], ones: [1, 1])
                .merging(["concat_project.conv.weight": [1, 4, 1, 1]]) { $1 },
            pairwise: .concatenation),
        SavedBlock(
            dialect: .slowFast,
            tensors: projections(["conv_theta", "conv_phi", "conv_g", "conv_out"], ones: [1, 1, 1])
                .merging(batchNorm("bn")) { $1 },
            subsample: .poolFirst, pool: .window(t: 1, h: 2, w: 2), scale: .inverseSquareRoot, norm: "batch"),
        SavedBlock(
            dialect: .slowFast,
            tensors: projections(["conv_theta", "conv_phi", "conv_g", "conv_out"], ones: [1, 1, 1]),
            subsample: .poolFirst, pool: .window(t: 1, h: 2, w: 2), scale: .inverseSquareRoot),
        SavedBlock(
            dialect: .pytorchvideo,
            tensors: projections(["conv_theta", "conv_phi", "conv_g", "conv_out"], ones: [1, 1, 1])
                .merging(batchNorm("norm")) { $1 },
            subsample: .poolFirst, pool: .window(t: 1, h: 2, w: 2), scale: .inverseSquareRoot, norm: "batch"),
        SavedBlock(
            dialect: .caffe2,
            tensors: projections(["theta", "phi", "g", "out"], weight: "_w", bias: "_b", ones: [1, 1, 1])
                .merging(["bn_s": [4], "bn_b": [4], "bn_rm": [4], "bn_riv": [4], "theta_w_momentum": [2, 4]])
            { $1 },
            subsample: .poolFirst, pool: .window(t: 1, h: 2, w: 2), scale: .inverseSquareRoot, norm: "batch"),
        SavedBlock(
            dialect: .caffe2,
            tensors: projections(["theta", "phi", "g", "out"], weight: "_w", bias: "_b", ones: [1, 1, 1])
                .merging(["bn_s": [4], "bn_b": [4]]) { $1 },
            subsample: .poolFirst, pool: .window(t: 1, h: 2, w: 2), scale: .inverseSquareRoot, norm: "affine"),
        SavedBlock(
            dialect: .keras,
            tensors: [
                "theta/kernel": [1, 1, 4, 2], "phi/kernel": [1, 4, 2], "g/kernel": [1, 1, 1, 4, 3],
                "g/bias": [3],
                "out/kernel": [1, 1, 3, 4],
            ],
            subsample: .convFirst, pool: .flat(2), layout: .channelsLast),
        SavedBlock(
            dialect: .latentDiffusion,
            tensors: projections(["q", "k", "v", "proj_out"], ones: [1, 1])
                .merging(["norm.weight": [4], "norm.bias": [4]]) { $1 },
            scale: .inverseSquareRoot, norm: "group"),
        SavedBlock(
            dialect: .diffusers,
            tensors: projections(["to_q", "to_k", "to_v", "to_out.0"])
                .merging(["group_norm.weight": [4], "group_norm.bias": [4]]) { $1 },
            scale: .inverseSquareRoot, norm: "group"),
        SavedBlock(
            dialect: .diffusers,
            tensors: projections(["query", "key", "value", "proj_attn"], ones: [1, 1])
                .merging(["group_norm.weight": [4], "group_norm.bias": [4]]) { $1 },
            scale: .inverseSquareRoot, norm: "group"),
    ]

    var separator: String { dialect == .keras ? "/" : dialect == .caffe2 ? "_" : "." }
}

@Suite struct DialectTests {
    @Test(arguments: SavedBlock.all)
    func findsAndReads(saved: SavedBlock) throws {
        let prefix = "module.nl_1" + saved.separator
        try inNewFolder { (folder: String) throws in
            let path = folder + "/x.safetensors"
            try SavedBlock.write([(prefix, saved)], to: path)
            for (dialect, given) in [
                (.automatic, nil), (saved.dialect, nil), (.automatic, prefix),
                (saved.dialect, String(prefix.dropLast())),
            ] as [(Dialect, String?)] {
                let file = try BlockFile(reading: path, dialect: dialect, prefix: given)
                #expect(file.dialect == saved.dialect)
                #expect(file.prefix == prefix)
                #expect(
                    file.configuration
                        == .init(
                            channels: 4, innerChannels: saved.pairwise == .gaussian ? 4 : 2, valueChannels: 3,
                            pairwise: saved.pairwise, subsample: saved.subsample, pool: saved.pool,
                            scale: saved.scale,
                            layout: saved.layout))
            }
            // Without a prefix in the file.
            try SavedBlock.write([("", saved)], to: path)
            #expect(try BlockFile(reading: path).prefix == "")
            #expect(try BlockFile(reading: path, prefix: "").dialect == saved.dialect)
            try check(try BlockWeights.load(path), saved)
        }
    }

    private func check(_ weights: BlockWeights, _ saved: SavedBlock) throws {
        let transposed = saved.dialect == .keras
        // 1, 2, 3, … in the file's order.
        #expect(weights.g.weight.shape == [3, 4])
        #expect(weights.g.weight[0, 1] == (transposed ? 4 : 2))
        #expect(weights.g.weight[1, 0] == (transposed ? 2 : 5))
        #expect(weights.output.weight.shape == [4, 3])
        #expect(weights.theta?.weight.shape == (saved.pairwise == .gaussian ? nil : [2, 4]))
        #expect(weights.phi?.weight.shape == (saved.pairwise == .gaussian ? nil : [2, 4]))
        let hasBias = saved.tensors.keys.contains { $0.hasPrefix("g") && $0.hasSuffix("bias") || $0 == "g_b" }
        if hasBias { #expect(weights.g.bias?.elements == [1, 2, 3]) }
        switch weights.norm {
        case .none: #expect(saved.norm == nil || saved.norm == "group")
        case .affine(let scale, let shift):
            #expect(saved.norm == "affine")
            #expect(scale.elements == [1, 2, 3, 4] && shift.elements == [1, 2, 3, 4])
        case .batchNorm(_, _, _, let variance, let epsilon):
            #expect(saved.norm == "batch")
            #expect(variance.elements == [1, 2, 3, 4])
            #expect(epsilon == (saved.dialect == .caffe2 ? 1.0000001e-5 : 1e-5))
        }
        #expect((weights.groupNorm != nil) == (saved.norm == "group"))
        if let groupNorm = weights.groupNorm { #expect(groupNorm.groups == 32 && groupNorm.epsilon == 1e-6) }
        #expect(weights.pairwise?.weight.elements == (saved.pairwise == .concatenation ? [1, 2, 3, 4] : nil))
        if saved.tensors["concat_project.0.bias"] != nil { #expect(weights.pairwise?.bias == 1) }
    }

    @Test func anotherPairwiseFunctionLosesTheScale() throws {
        try inNewFolder { (folder: String) throws in
            try SavedBlock.write([("", SavedBlock.all[8])], to: folder + "/x")
            let file = try BlockFile(reading: folder + "/x")
            #expect(file.configuration(for: .dotProduct).scale == .none)
            #expect(file.configuration(for: .dotProduct).pairwise == .dotProduct)
            #expect(file.configuration(for: .embeddedGaussian) == file.configuration)
        }
    }

    @Test func severalBlocksNeedAPrefix() throws {
        try inNewFolder { (folder: String) throws in
            let path = folder + "/x"
            try SavedBlock.write([("a.", SavedBlock.all[0]), ("b.c.", SavedBlock.all[10])], to: path)
            let error = failure(.ambiguousPrefix) { _ = try BlockFile(reading: path) }
            #expect(error?.message.contains("2 non-local blocks") == true)
            #expect(error?.advice == "Choose a prefix: 'a.' (alexhex7), 'b.c.' (pytorchvideo).")
            #expect(try BlockFile(reading: path, prefix: "a").dialect == .alexHex7)
            #expect(try BlockFile(reading: path, prefix: "b.c").dialect == .pytorchvideo)
            #expect(try BlockFile(reading: path, dialect: .alexHex7).prefix == "a.")

            try SavedBlock.write((0..<50).map { ("\($0).", SavedBlock.all[1]) }, to: path)
            let many = failure(.ambiguousPrefix) { _ = try BlockFile(reading: path) }
            #expect(many?.advice.contains("and 10 more") == true)
        }
    }

    @Test(arguments: SavedBlock.all)
    func aMissingWeightIsNamed(saved: SavedBlock) throws {
        let needed = saved.tensors.keys.filter { name in
            saved.tensors[name].map { $0.count > 1 } == true && !name.contains("concat")
                && !name.contains("momentum")
                || name.hasPrefix("group_norm") || saved.dialect == .latentDiffusion && name.hasPrefix("norm")
        }
        for name in needed {
            var damaged = saved
            damaged.tensors[name] = nil
            try inNewFolder { (folder: String) throws in
                let path = folder + "/x"
                try SavedBlock.write([("nl" + saved.separator, damaged)], to: path)
                for dialect in [.automatic, saved.dialect] {
                    let error = failure(.missingKey) { _ = try BlockFile(reading: path, dialect: dialect) }
                    // The simplest of the names that would do: sub-sampled blocks have others.
                    let simple = name.replacingOccurrences(of: "phi.0", with: "phi")
                        .replacingOccurrences(of: "g.0", with: "g").replacingOccurrences(of: "W.0", with: "W")
                    #expect(
                        error?.message.contains("'nl\(saved.separator)\(simple)'") == true,
                        "\(String(describing: error))")
                    #expect(error?.advice.contains(damaged.tensors.keys.min() ?? "?") == true)
                }
            }
        }
    }

    @Test func aFileWithoutABlockSaysWhatItHas() throws {
        try inNewFolder { (folder: String) throws in
            let path = folder + "/x"
            try SafeTensors.write(
                (0..<100).map { ("layer\($0)", try Tensor(repeating: 0, shape: [1])) }, to: path)
            let error = failure(.missingKey) { _ = try BlockFile(reading: path) }
            #expect(error?.advice.contains("layer0, layer1, ") == true)
            #expect(error?.advice.contains("and 60 more") == true)
            _ = failure(.missingKey) { _ = try BlockFile(reading: path, dialect: .mmcv, prefix: "layer0") }
        }
    }

    @Test func otherAttentionIsNotTakenForABlock() throws {
        try inNewFolder { (folder: String) throws in
            let path = folder + "/x"
            // A transformer's attention: no group norm of its own, several heads.
            let attention = SavedBlock(
                dialect: .diffusers, tensors: SavedBlock.projections(["to_q", "to_k", "to_v", "to_out.0"]))
            try SavedBlock.write([("attn1.", attention), ("mid.attn_1.", SavedBlock.all[14])], to: path)
            let file = try BlockFile(reading: path)
            #expect(file.prefix == "mid.attn_1." && file.dialect == .latentDiffusion)
            let error = failure(.missingKey) { _ = try BlockFile(reading: path, prefix: "attn1") }
            #expect(error?.message.contains("'attn1.group_norm.weight'") == true)
        }
    }

    @Test(arguments: [
        ("theta.weight", [2, 4, 3, 3], "[2, 4, 3, 3]"), ("theta.weight", [2], "[2]"),
        ("theta.weight", [0, 4], "[0, 4]"),
        ("theta.weight", [2, 5], "theta has the shape [2, 5]"),
        ("phi.weight", [3, 4], "phi has the shape [3, 4]"),
        ("g.weight", [3, 5], "g has the shape [3, 5]"), ("W.weight", [4, 2], "W_z has the shape [4, 2]"),
        ("g.bias", [2], "the bias of g has the shape [2]"), ("g.bias", [3, 1], "one dimension"),
        ("concat_project.0.weight", [2, 4], "[1, 2d]"),
        ("concat_project.0.weight", [1, 6], "w_f has the shape [6]"),
        ("concat_project.0.bias", [2], "not [1]"),
    ])
    func shapesAreChecked(name: String, shape: [Int], says: String) throws {
        var saved = SavedBlock.all[3]
        saved.tensors[name] = shape
        try inNewFolder { (folder: String) throws in
            try SavedBlock.write([("", saved)], to: folder + "/x")
            let error = failure(.weights) { _ = try BlockFile(reading: folder + "/x") }
            #expect(error?.message.contains(says) == true, "\(String(describing: error))")
            #expect(error?.message.contains(folder) == true)
        }
    }

    @Test func halfOfANormIsAnError() throws {
        var saved = SavedBlock.all[2]
        saved.tensors["W.1.running_var"] = nil
        try inNewFolder { (folder: String) throws in
            try SavedBlock.write([("", saved)], to: folder + "/x")
            let error = failure(.missingKey) { _ = try BlockFile(reading: folder + "/x") }
            #expect(error?.message.contains("W.1.running_var") == true)
        }
    }

    @Test func halfOfSubsamplingIsAnError() throws {
        let saved = SavedBlock(
            dialect: .alexHex7, tensors: SavedBlock.projections(["theta", "phi.0", "g", "W"]))
        try inNewFolder { (folder: String) throws in
            try SavedBlock.write([("", saved)], to: folder + "/x")
            let error = failure(.weights) { _ = try BlockFile(reading: folder + "/x") }
            #expect(error?.message.contains("only one of phi and g is sub-sampled") == true)
        }
    }
}
