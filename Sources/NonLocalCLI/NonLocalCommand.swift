import ArgumentParser
import Foundation

@main
struct NonLocalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nonlocal",
        abstract: "The non-local operation on OpenCL devices, checked against a CPU reference.",
        discussion: """
            Exit status: 0 done; 1 failed, with a message on stderr; 2 a result did not pass validation; \
            64 wrong usage; 130 interrupted.

            A first look:
              nonlocal devices
              nonlocal run --input x.npy --weights block.safetensors --output z.npy
              nonlocal map photo.png --output map.png --at 120,80

            `nonlocal help run` tells what a command does, with examples. For completions in bash (or zsh, fish):
              nonlocal --generate-completion-script bash > ~/.local/share/bash-completion/completions/nonlocal
            """,
        version: "nonlocal 0.1.0",
        subcommands: [
            Devices.self, Run.self, Map.self, Denoise.self, Cost.self, Verify.self, Tune.self,
            Bench.self,
            Kernels.self,
        ])

    static func main() {
        Interruption.listen()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            guard let failure = Failure(error) else { exit(withError: error) }
            Console.error(failure.message)
            Foundation.exit(failure.status)
        }
    }
}
