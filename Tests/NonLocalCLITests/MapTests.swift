#if Pictures
    import Foundation
    import NonLocal
    import Testing

    @testable import NonLocalCLI

    @Suite(.needsDevice) struct MapTests {
        /// A query on the rabbit finds the rabbit in the other frames: most of the weight that falls on each of
        /// them falls into the rabbit's box there.
        @Test func aQueryOnTheRabbitFindsItElsewhere() throws {
            // Frames 4, 5, 7 and 8; the boxes, from the left, the top, to the right, the bottom, are by eye.
            let boxes = [(62, 10, 124, 124), (62, 14, 124, 124), (52, 10, 122, 124), (54, 12, 122, 124)]
            let frames = [4, 5, 7, 8].map(Files.frame)
            let folder = try Folder()
            let command = try Command.run(
                ["map"] + frames
                    + [
                        "--output", "map.png", "--npy", "map.npy", "--json", "--at", "100,60,0", "--at",
                        "80,100,1", "--bandwidth", "5",
                    ], in: folder)
            #expect(command.status == 0, "\(command.errors)")
            #expect(folder.names == ["map.png", "map.npy"])
            let weights = try Tensor<Float>(npy: folder.file("map.npy"))
            #expect(weights.shape == [2, 4, 144, 256])
            for query in 0..<2 {
                var total = 0.0
                for (frame, box) in boxes.enumerated() {
                    var (all, inside) = (0.0, 0.0)
                    for y in 0..<144 {
                        for x in 0..<256 {
                            let weight = Double(weights[query, frame, y, x])
                            all += weight
                            if (box.0..<box.2).contains(x), (box.1..<box.3).contains(y) { inside += weight }
                        }
                    }
                    total += all
                    // The box is a fifth of the frame.
                    let (area, share) = (
                        Double((box.2 - box.0) * (box.3 - box.1)) / (144 * 256), inside / all
                    )
                    #expect(area < 0.22 && share > 0.7, "query \(query), frame \(frame): \(share) of \(area)")
                    #expect(all > 0.08, "query \(query), frame \(frame): \(all) of the weight")
                }
                #expect(abs(total - 1) < 1e-4)
            }
            // And where the arrows go.
            let queries = try #require(try command.object()["queries"] as? [[String: Any]])
            for query in queries {
                let peaks = try #require(query["strongest"] as? [[String: Double]])
                #expect(peaks.count == 20)
                let hits = peaks.count { peak in
                    let (t, h, w) = (Int(peak["t"] ?? -1), Int(peak["h"] ?? -1), Int(peak["w"] ?? -1))
                    let box = boxes[t]
                    return (box.0..<box.2).contains(w) && (box.1..<box.3).contains(h)
                }
                #expect(hits >= 16, "\(hits) of 20")
            }
        }

        /// From the fifth frame it is found in the seven in which more than its head is to be seen.
        @Test func itIsFoundInAllFramesThatShowItsBody() throws {
            // By eye, without the rocks beside it.
            let boxes = [
                (50, 28, 120, 120), (54, 10, 142, 124), (62, 10, 124, 124), (62, 14, 124, 124),
                (62, 14, 124, 124), (52, 10, 122, 124), (54, 12, 122, 124),
            ]
            let folder = try Folder()
            let command = try Command.run(
                ["map"] + (2...8).map(Files.frame)
                    + ["--output", "map.png", "--npy", "map.npy", "--at", "80,100,3", "--bandwidth", "5"],
                in: folder)
            #expect(command.status == 0, "\(command.errors)")
            let weights = try Tensor<Float>(npy: folder.file("map.npy"))
            for (frame, box) in boxes.enumerated() {
                var (all, inside) = (0.0, 0.0)
                for y in 0..<144 {
                    for x in 0..<256 {
                        let weight = Double(weights[0, frame, y, x])
                        all += weight
                        if (box.0..<box.2).contains(x), (box.1..<box.3).contains(y) { inside += weight }
                    }
                }
                #expect(inside / all > 0.7, "frame \(frame): \(inside / all)")
            }
        }

        /// The numbers of a block's map are the row of `run --attention`.
        @Test(arguments: ["weight", "contribution"]) func aBlockOnATensor(show: String) throws {
            let folder = try Folder()
            try Inputs.write(to: folder)
            let picture = TestPicture(width: 50, height: 40, kind: .grey) { x, _, _ in Double(x) / 50 }
            try folder.write(picture.bytes, to: "frame.png")
            let block = ["--input", "x.npy", "--weights", "block.safetensors", "--subsample", "conv-first"]
            let command = try Command.run(
                [
                    "map", "frame.png", "--output", "map.png", "--npy", "map.npy", "--at", "29,39", "--item",
                    "1",
                ]
                    + ["--show", show, "--json"] + block, in: folder)
            #expect(command.status == 0, "\(command.errors)")
            let report = try command.object()
            #expect(
                report["extents"] as? [Int] == [1, 4, 5] && report["key_extents"] as? [Int] == [1, 2, 2])
            let query = try #require((report["queries"] as? [[String: Any]])?.first)
            #expect(query["h"] as? Int == 3 && query["w"] as? Int == 2)
            let run = try Command.run(
                ["run", "--output", "z.npy", "--attention", "a.npy"] + block, in: folder)
            #expect(run.status == 0, "\(run.errors)")
            let map = try Tensor<Float>(npy: folder.file("map.npy"))
            let full = try Tensor<Float>(npy: folder.file("a.npy"))
            #expect(map.shape == [1, 1, 2, 2])
            let row = (0..<4).map { full[1, 3 * 5 + 2, $0] }
            let isSame = zip(map.elements, row).allSatisfy { abs($0 - $1) < 1e-6 }
            #expect(isSame == (show == "weight"))
        }

        /// The page shows the frame, the query's box, and heat where the weights are.
        @Test func thePageShowsWhatTheNumbersSay() throws {
            let folder = try Folder()
            // Two bright squares on dark ground: a query in one attends to both.
            let picture = TestPicture(width: 40, height: 20, kind: .grey) { x, y, _ in
                (6..<14).contains(y) && ((6..<14).contains(x) || (26..<34).contains(x)) ? 1 : 0.1
            }
            try folder.write(picture.bytes, to: "in.png")
            let command = try Command.run(
                ["map", "in.png", "--output", "map.png", "--at", "9,9", "--arrows", "0", "--width", "700"],
                in: folder)
            #expect(command.status == 0, "\(command.errors)")
            let page = try Picture(png: folder.file("map.png"))
            let layout = MapLayout(frames: 1, size: (40, 20), queries: 1, pageWidth: 700)
            #expect((page.width, page.height) == (layout.width, layout.height))
            let zoom = layout.panelWidth / 40
            func brightness(_ panel: (x: Int, y: Int), _ x: Int, _ y: Int) -> Int {
                let at = ((panel.y + y * zoom + zoom / 2) * page.width + panel.x + x * zoom + zoom / 2) * 3
                return (0..<3).reduce(0) { $0 + Int(page.bytes[at + $1]) }
            }
            let (plain, heat) = (layout.plainPanel(0, 0), layout.heatPanel(0, 0))
            #expect(brightness(plain, 29, 9) == 3 * 255 && brightness(plain, 20, 9) == 3 * 25)
            #expect(brightness(heat, 29, 9) > 2 * brightness(heat, 20, 9) + 100)
        }

        struct Bad: CustomTestStringConvertible, Sendable {
            let testDescription: String
            let arguments: [String]
            var status: Int32 = 1
            var words: [String] = []
        }

        @Test(arguments: [
            Bad(testDescription: "nothing named", arguments: ["--output", "map.png"], status: 64),
            Bad(
                testDescription: "weights without a tensor",
                arguments: ["in.png", "--output", "map.png", "--weights", "w.safetensors"], status: 64),
            Bad(
                testDescription: "a block's option for pictures",
                arguments: ["in.png", "--output", "map.png", "--pairwise", "gaussian"], status: 64),
            Bad(
                testDescription: "a query of one number",
                arguments: ["in.png", "--output", "map.png", "--at", "3"],
                status: 64),
            Bad(
                testDescription: "a query outside",
                arguments: ["in.png", "--output", "map.png", "--at", "6,0"],
                words: ["6,0", "6×6"]),
            Bad(
                testDescription: "a frame outside",
                arguments: ["in.png", "--output", "map.png", "--at", "0,0,1"],
                words: ["0,0,1"]),
            Bad(
                testDescription: "frames of two sizes",
                arguments: ["in.png", Files.frame(1), "--output", "map.png"], words: ["6×6", "256×144"]),
            Bad(
                testDescription: "no bandwidth",
                arguments: ["in.png", "--output", "map.png", "--bandwidth", "0"],
                words: ["bandwidth"]),
            Bad(
                testDescription: "scope without time",
                arguments: ["in.png", "--output", "map.png", "--scope", "space"], words: ["scope space"]),
            Bad(
                testDescription: "no folder", arguments: ["in.png", "--output", "nowhere/map.png"],
                words: ["'nowhere'"]),
            Bad(
                testDescription: "more pictures than frames",
                arguments: [
                    "in.png", "in.png", "--output", "map.png", "--input", "x.npy", "--weights",
                    "block.safetensors",
                ], words: ["2 pictures", "'x.npy'"]),
            Bad(
                testDescription: "no such item",
                arguments: [
                    "--output", "map.png", "--input", "x.npy", "--weights", "block.safetensors", "--item",
                    "2",
                ], words: ["item 2"]),
        ]) func badInputIsRefused(_ bad: Bad) throws {
            let folder = try Folder()
            try Inputs.write(to: folder)
            let picture = TestPicture(width: 6, height: 6, kind: .grey) { x, y, _ in Double(x * 6 + y) / 36 }
            try folder.write(picture.bytes, to: "in.png")
            let before = folder.names
            let command = try Command.run(["map"] + bad.arguments, in: folder)
            #expect(command.status == bad.status, "\(command.errors)")
            for word in bad.words { #expect(command.errors.contains(word), "\(command.errors)") }
            #expect(folder.names == before)
        }
    }
#endif
