import Foundation

/// A file in the making, which appears under its name complete or not at all.
///
///     try OutputFile.write(to: "z.npy") { file in try file.write(bytes) }
public struct OutputFile: ~Copyable {
    /// For C libraries that write by themselves; it is closed by ``write(to:_:)``, not by them.
    public let fileDescriptor: Int32
    let path: String

    /// Writes the file at `path`, replacing one that is there.
    ///
    /// `body` writes to a new file in the same folder, which takes the name `path` when `body` is done and
    /// is removed if it fails. A pipe or a device, such as `/dev/stdout`, is written to directly.
    ///
    /// - Throws: ``NonLocalError/Code/file`` with the system's reason, for instance when there is no such
    ///   folder; and whatever `body` throws.
    public static func write(
        to path: String, _ body: (borrowing OutputFile) throws -> Void
    ) throws {
        var status = stat()
        let exists = stat(path, &status) == 0
        let kind = status.st_mode & S_IFMT
        if exists, kind == S_IFDIR {
            throw NonLocalError(
                .file, "can't write '\(path)': it is a folder", advice: "Name a file in it.")
        }
        if exists, kind != S_IFREG {
            return try writeDirectly(to: path, body)
        }
        let target = exists ? resolved(path) : path
        try requireFolder(of: target)

        let temporary = sibling(of: target)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw NonLocalError(.file, "can't write '\(path)': \(systemReason())")
        }
        var isOpen = true
        do {
            if exists { _ = fchmod(descriptor, status.st_mode & 0o777) }
            try body(OutputFile(fileDescriptor: descriptor, path: path))
            isOpen = false
            guard close(descriptor) == 0, rename(temporary, target) == 0 else {
                throw NonLocalError(.file, "can't write '\(path)': \(systemReason())")
            }
        } catch {
            if isOpen { close(descriptor) }
            unlink(temporary)
            throw error
        }
    }

    /// Appends bytes.
    ///
    /// - Throws: ``NonLocalError/Code/file`` with the system's reason, such as a full disk.
    public func write(_ bytes: UnsafeRawBufferPointer) throws(NonLocalError) {
        var done = 0
        while done < bytes.count {
            let count = Foundation.write(
                fileDescriptor, bytes.baseAddress?.advanced(by: done), min(bytes.count - done, 1 << 30))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw NonLocalError(.file, "can't write '\(path)': \(systemReason())")
            }
            done += count
        }
    }

    /// Appends bytes.
    ///
    /// - Throws: ``NonLocalError/Code/file`` with the system's reason, such as a full disk.
    public func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

    private static func writeDirectly(
        to path: String, _ body: (borrowing OutputFile) throws -> Void
    ) throws {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw NonLocalError(.file, "can't write '\(path)': \(systemReason())")
        }
        defer { close(descriptor) }
        try body(OutputFile(fileDescriptor: descriptor, path: path))
    }

    private static func requireFolder(of path: String) throws(NonLocalError) {
        let folder = folder(of: path)
        var status = stat()
        guard stat(folder, &status) == 0 else {
            throw NonLocalError(
                .file, "no folder '\(folder)' for '\(path)': \(systemReason())",
                advice: "Make the folder first, or write elsewhere.")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw NonLocalError(.file, "can't write '\(path)': '\(folder)' is not a folder")
        }
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
    }

    private static func sibling(of path: String) -> String {
        "\(folder(of: path))/.\(String(UInt64.random(in: .min ... .max), radix: 36)).partial"
    }

    /// The file that a chain of links leads to, so that the link stays one.
    private static func resolved(_ path: String) -> String {
        guard let target = realpath(path, nil) else { return path }
        defer { free(target) }
        return String(cString: target)
    }
}
