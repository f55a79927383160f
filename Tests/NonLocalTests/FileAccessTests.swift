import Foundation
import NonLocal
import Testing

/// Calls `body` with a folder of its own, removed afterwards.
func inNewFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "nonlocal-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
}

/// Calls `body` with the path of a file of these bytes.
func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
    try inNewFolder { (folder: String) throws in
        let path = folder + "/file"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        try body(path)
    }
}

/// The error that `body` throws, recorded as a failure if it is none or of another code.
func failure(_ code: NonLocalError.Code, _ body: () throws -> Void) -> NonLocalError? {
    do {
        try body()
        Issue.record("no error, expected \(code)")
    } catch let error as NonLocalError {
        #expect(error.code == code, "\(error)")
        return error
    } catch {
        Issue.record("\(error)")
    }
    return nil
}

/// The bytes of a number, most or least significant first.
func bytes(_ bits: some FixedWidthInteger, bigEndian: Bool = false) -> [UInt8] {
    withUnsafeBytes(of: bigEndian ? bits.bigEndian : bits.littleEndian) { Array($0) }
}

@Suite struct FileAccessTests {
    @Test func missingAndUnreadableFilesSayWhy() throws {
        try inNewFolder { (folder: String) throws in
            let missing = failure(.file) { _ = try Tensor<Float>(npy: folder + "/none.npy") }
            #expect(missing?.message == "can't read '\(folder)/none.npy': No such file or directory")
            let directory = failure(.file) { _ = try Tensor<Float>(npy: folder) }
            #expect(directory?.message.contains("it is a folder") == true)
            #expect(mkfifo(folder + "/pipe", 0o600) == 0)
            let pipe = failure(.file) { _ = try Tensor<Float>(npy: folder + "/pipe") }
            #expect(pipe?.message.contains("not a regular file") == true)
            _ = failure(.file) { _ = try Tensor<Float>(npy: "/dev/zero") }
            _ = failure(.file) { _ = try Tensor<Float>(npy: "") }
        }
    }

    @Test func outputNeedsAFolder() throws {
        let tensor = try Tensor<Float>(shape: [1], elements: [1])
        try inNewFolder { (folder: String) throws in
            let missing = failure(.file) { try tensor.write(npy: folder + "/no/x.npy") }
            #expect(missing?.message.contains("no folder '\(folder)/no' for '\(folder)/no/x.npy'") == true)
            let directory = failure(.file) { try tensor.write(npy: folder) }
            #expect(directory?.message.contains("it is a folder") == true)
            try tensor.write(npy: folder + "/file")
            _ = failure(.file) { try tensor.write(npy: folder + "/file/x.npy") }
            _ = failure(.file) { try tensor.write(npy: "") }
        }
    }

    @Test func failedWritingLeavesTheOldFile() throws {
        struct Stop: Error {}
        try inNewFolder { (folder: String) throws in
            let path = folder + "/x"
            try OutputFile.write(to: path) { try $0.write([1, 2, 3]) }
            #expect(throws: Stop.self) {
                try OutputFile.write(to: path) {
                    try $0.write([4])
                    throw Stop()
                }
            }
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data([1, 2, 3]))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["x"])
        }
    }

    @Test func writingKeepsLinksModesAndDevices() throws {
        try inNewFolder { (folder: String) throws in
            try OutputFile.write(to: folder + "/real") { try $0.write([1]) }
            #expect(chmod(folder + "/real", 0o640) == 0)
            #expect(symlink("real", folder + "/link") == 0)
            try OutputFile.write(to: folder + "/link") { try $0.write([2]) }
            #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/real")) == Data([2]))
            let files = FileManager.default
            #expect(try files.attributesOfItem(atPath: folder + "/real")[.posixPermissions] as? Int == 0o640)
            #expect(try files.destinationOfSymbolicLink(atPath: folder + "/link") == "real")
            try OutputFile.write(to: "/dev/null") { try $0.write([3]) }
            #expect(
                try files.attributesOfItem(atPath: "/dev/null")[.type] as? FileAttributeType
                    == .typeCharacterSpecial)
        }
    }

    @Test func fullDisksAreErrors() throws {
        guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
        let error = failure(.file) { try OutputFile.write(to: "/dev/full") { try $0.write([1]) } }
        #expect(error?.message.contains("No space left") == true)
    }
}
