import ArgumentParser

#if Pictures
    import CPNG
#endif

@main
struct NonLocalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "nonlocal")
}
