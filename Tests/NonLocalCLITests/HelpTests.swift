import Testing

/// Help that teaches: what each command is for, with an example that works.
@Suite struct HelpTests {
    static let commands = ["devices", "run", "map", "denoise", "cost", "verify", "tune", "bench"]

    @Test(arguments: commands) func everyCommandHasAnExample(_ name: String) throws {
        let folder = try Folder()
        let help = try Command.run([name, "--help"], in: folder)
        #expect(help.status == 0)
        let lines = help.output.split(separator: "\n").map { $0.trimmingPrefix { $0 == " " } }
        #expect(lines.contains { $0.hasPrefix("nonlocal \(name)") }, "\(help.output)")
        #expect(lines.contains { $0.hasPrefix("Example") })
        #expect(try Command.run(["help", name], in: folder).output == help.output)
    }

    @Test func theCommandsAreListed() throws {
        let help = try Command.run(["--help"], in: Folder()).output
        for name in Self.commands { #expect(help.contains("  \(name) "), "no \(name) in \(help)") }
    }

    @Test func itTellsItsVersion() throws {
        let version = try Command.run(["--version"], in: Folder())
        #expect(version.status == 0)
        #expect(try /nonlocal \d+\.\d+\.\d+\n/.wholeMatch(in: version.output) != nil, "\(version.output)")
    }

    @Test(arguments: ["bash", "zsh", "fish"]) func shellsCanComplete(_ shell: String) throws {
        let script = try Command.run(["--generate-completion-script", shell], in: Folder())
        #expect(script.status == 0)
        for word in Self.commands + ["contribution", "conv-first"] {
            #expect(script.output.contains(word), "no \(word)")
        }
    }
}
