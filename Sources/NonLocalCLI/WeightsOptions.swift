import ArgumentParser
import NonLocal

/// Which block of a file of weights is meant.
struct WeightsOptions: ParsableArguments {
    @Option(
        help: "The text before the weights' names, such as module.nl_1; needed if there are several blocks.")
    var prefix: String?

    @Option(help: "Whose names the weights have.")
    var dialect: Dialect = .automatic

    @Option(help: ArgumentHelp("The number of groups of the group norm in front.", valueName: "groups"))
    var groupNorm: Int?

    /// The file's block, with what was given as options in the place of what the file implies.
    func block(reading path: String, _ options: BlockOptions) throws -> (
        file: BlockFile, block: NonLocalBlock
    ) {
        let file = try BlockFile(reading: path, dialect: dialect, prefix: prefix)
        var configuration =
            options.pairwise.map { file.configuration(for: $0.pairwise) } ?? file.configuration
        try options.apply(to: &configuration)
        var weights = file.weights
        if let groupNorm {
            guard weights.groupNorm != nil else {
                throw Failure(
                    "--group-norm has no effect: the weights in '\(path)' have no group norm in front")
            }
            weights.groupNorm?.groups = groupNorm
        }
        let block = try NonLocalBlock(configuration, weights: weights)
        Console.note(
            "\(file.dialect.rawValue) block '\(file.prefix)': \(configuration.summary)"
                + (options.pairwise == nil ? " (as the file implies; see --pairwise)" : ""))
        return (file, block)
    }
}
