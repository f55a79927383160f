import ArgumentParser
import Foundation

/// A file to be written. Whether it can be is checked before any work is done.
struct OutputPath: ExpressibleByArgument {
    let path: String

    init(argument: String) { path = argument }

    /// - Throws: ``Failure`` if no file can be made under this name.
    func check() throws {
        guard !path.isEmpty else { throw Failure("the name of an output file is empty") }
        // Not by NSString, whose deletingLastPathComponent traps on "." and "a/".
        let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) }
        let folderPath = folder.map { $0.isEmpty ? "/" : $0 } ?? "."
        guard Self.isFolder(folderPath) else {
            throw Failure(
                "no folder '\(folderPath)' for '\(path)'",
                advice: "Make the folder first, or write elsewhere.")
        }
        guard !Self.isFolder(path) else {
            throw Failure("can't write '\(path)': it is a folder", advice: "Name a file in it.")
        }
    }

    /// Files in a folder, under the names that others have.
    ///
    /// - Throws: ``Failure`` if two have the same name, as each frame would then be written over another.
    static func names(of paths: [String], in folder: String) throws -> [OutputPath] {
        let outputs = paths.map { path in
            let name = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path[path.index(after: $0)...] }
            return OutputPath(argument: "\(folder)/\(name ?? path[...])")
        }
        var seen: [String: String] = [:]
        for (path, output) in zip(paths, outputs) {
            if let other = seen.updateValue(path, forKey: output.path) {
                throw Failure(
                    "'\(other)' and '\(path)' would both be written to '\(output.path)'",
                    advice: "Name each frame once, and give frames names of their own.")
            }
        }
        return outputs
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
