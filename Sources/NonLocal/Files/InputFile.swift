import Foundation

/// A file open for reading at any offset.
///
/// Reads copy instead of mapping, so that a file that shrinks meanwhile is an error and not a crash. The
/// file stays open, so that one renamed over it meanwhile changes nothing.
final class InputFile: Sendable {
    let path: String
    /// Bytes, when the file was opened.
    let size: Int
    private let descriptor: Int32

    /// - Throws: ``NonLocalError/Code/file`` if there is no such file, or it is a folder, a pipe or a
    ///   device, or may not be read.
    init(_ path: String) throws(NonLocalError) {
        // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw NonLocalError(.file, "can't read '\(path)': \(systemReason())")
        }
        self.path = path
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let reason = systemReason()
            close(descriptor)
            throw NonLocalError(.file, "can't read '\(path)': \(reason)")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            close(descriptor)
            throw NonLocalError(
                .file, "can't read '\(path)': it is \(isFolder ? "a folder" : "not a regular file")",
                advice: isFolder ? "Name a file in it." : "Save it to a file first.")
        }
        size = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// - Throws: ``NonLocalError/Code/file`` if the file is another user's, or others may write to it.
    func requireTrusted() throws(NonLocalError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw NonLocalError(.file, "can't read '\(path)': \(systemReason())")
        }
        guard status.st_uid == geteuid(), status.st_mode & (S_IWGRP | S_IWOTH) == 0 else {
            throw NonLocalError(
                .file, "'\(path)' is not trusted: it is another user's, or others may write to it",
                advice: "Make it yours alone (chmod 600), or remove it.")
        }
    }

    /// Fills `bytes` with what stands at `offset`.
    ///
    /// - Throws: ``NonLocalError/Code/file`` if the system can't read; ``NonLocalError/Code/format`` if the
    ///   file ends before.
    func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(NonLocalError) {
        var done = 0
        while done < bytes.count {
            let count = pread(
                descriptor, bytes.baseAddress?.advanced(by: done), min(bytes.count - done, 1 << 30),
                off_t(offset + done))
            if count < 0 {
                if errno == EINTR { continue }
                throw NonLocalError(.file, "can't read '\(path)': \(systemReason())")
            }
            guard count > 0 else {
                throw NonLocalError(
                    .format, "'\(path)' ends at byte \(offset + done), \(bytes.count - done) bytes too soon",
                    advice: "The file was cut off; copy or download it again.")
            }
            done += count
        }
    }

    /// `count` bytes at `offset`; the caller has compared both with ``size``.
    func bytes(_ count: Int, at offset: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { memory, initialized in
            try read(
                into: UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(memory)[..<count]), at: offset)
            initialized = count
        }
    }
}

/// The operating system's words for the last failure.
func systemReason() -> String { String(cString: strerror(errno)) }
