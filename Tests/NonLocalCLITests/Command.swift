import Foundation
import Testing

/// The built command, run in a process of its own.
struct Command {
    let status: Int32
    let output: String
    let errors: String

    /// The first line on stderr that is the command's own error message.
    var message: String {
        errors.split(separator: "\n").first { $0.hasPrefix("nonlocal: ") }.map(String.init) ?? ""
    }

    /// Runs `nonlocal` with the given arguments in a folder, to its end.
    static func run(
        _ arguments: [String], in folder: Folder, environment: [String: String] = [:]
    ) throws -> Command {
        let running = try Running(arguments, in: folder, environment: environment)
        return try running.finish()
    }

    /// stdout as a JSON object.
    func object() throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    }

    /// stdout as a JSON array of objects.
    func objects() throws -> [[String: Any]] {
        try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [[String: Any]])
    }
}

/// A command that was started.
struct Running {
    let process = Process()
    private let outputPath: String
    private let errorsPath: String

    init(_ arguments: [String], in folder: Folder, environment: [String: String] = [:]) throws {
        let name = UUID().uuidString
        outputPath = folder.logs + "/\(name).out"
        errorsPath = folder.logs + "/\(name).err"
        let executable: URL = try #require(
            Self.executable, "no nonlocal beside the tests: swift build first")
        process.executableURL = executable
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: folder.path)
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = try Self.handle(outputPath)
        process.standardError = try Self.handle(errorsPath)
        process.standardInput = FileHandle.nullDevice
        try process.run()
    }

    var errors: String { (try? String(contentsOfFile: errorsPath, encoding: .utf8)) ?? "" }

    func finish() throws -> Command {
        process.waitUntilExit()
        return Command(
            status: process.terminationReason == .exit ? process.terminationStatus : -1,
            output: try String(contentsOfFile: outputPath, encoding: .utf8), errors: errors)
    }

    private static func handle(_ path: String) throws -> FileHandle {
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        return try #require(FileHandle(forWritingAtPath: path))
    }

    /// The command stands beside the bundle of the tests.
    private static let executable: URL? = {
        let bundles = CommandLine.arguments.filter { $0.contains(".xctest") || $0.hasPrefix("/") }
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folders =
            bundles.map { bundle in
                let parts = URL(filePath: bundle).path().components(separatedBy: "/")
                let end = parts.firstIndex { $0.hasSuffix(".xctest") } ?? parts.count - 1
                return URL(filePath: parts[..<end].joined(separator: "/"))
            } + [root.appending(path: ".build/debug")]
        return folders.map { $0.appending(path: "nonlocal") }
            .first { FileManager.default.isExecutableFile(atPath: $0.path()) }
    }()
}

/// A folder of a test's own, gone with it.
final class Folder {
    let path: String
    /// Beside the folder, so that the command's own files are all there is in it.
    let logs: String

    private let root: String

    init() throws {
        root = NSTemporaryDirectory() + "nonlocal-tests-\(UUID().uuidString)"
        path = root + "/work"
        logs = root + "/logs"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: logs, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    func file(_ name: String) -> String { path + "/" + name }

    func write(_ bytes: [UInt8], to name: String) throws {
        try Data(bytes).write(to: URL(filePath: file(name)))
    }

    /// Names of all files, hidden ones too.
    var names: Set<String> {
        Set((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [])
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips a test only where running without a device was asked for.
    static var needsDevice: Self {
        .disabled(
            if: ProcessInfo.processInfo.environment["NONLOCAL_TESTS_WITHOUT_DEVICE"] == "1",
            "NONLOCAL_TESTS_WITHOUT_DEVICE=1: no OpenCL device wanted")
    }
}
