extension SafeTensors {
    /// Writes tensors of float32 under the given names, in the given order.
    ///
    /// The file appears complete or not at all.
    ///
    /// - Parameters:
    ///   - tensors: names, each once, and their tensors.
    ///   - metadata: notes for the file's `__metadata__`.
    ///   - path: the file, which is replaced if it is there.
    /// - Throws: ``NonLocalError/Code/format`` if a name comes twice or is `__metadata__`;
    ///   ``NonLocalError/Code/file`` if the file can't be written.
    public static func write(
        _ tensors: [(name: String, tensor: Tensor<Float>)], metadata: [String: String] = [:], to path: String
    ) throws {
        var names: Set<String> = ["__metadata__"]
        for (name, _) in tensors where !names.insert(name).inserted {
            throw NonLocalError(
                .format, "can't write '\(path)': the name '\(name)' comes twice or is reserved")
        }
        let header = header(tensors, metadata: metadata)
        try OutputFile.write(to: path) { file in
            try file.write((0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) })
            try file.write(header)
            for (_, tensor) in tensors {
                try tensor.withUnsafeBufferPointer { try file.write(UnsafeRawBufferPointer($0)) }
            }
        }
    }

    /// Padded with spaces, so that the numbers begin at a multiple of 8 bytes.
    private static func header(
        _ tensors: [(name: String, tensor: Tensor<Float>)], metadata: [String: String]
    ) -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let notes = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
            members.append("\"__metadata__\":{\(notes.joined(separator: ","))}")
        }
        var offset = 0
        for (name, tensor) in tensors {
            let end = offset + tensor.count * MemoryLayout<Float>.size
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(quoted(name)):{\"dtype\":\"F32\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}"
            )
            offset = end
        }
        let text = Array("{\(members.joined(separator: ","))}".utf8)
        return text + [UInt8](repeating: UInt8(ascii: " "), count: (8 - text.count % 8) % 8)
    }

    private static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case ..<" ": "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: String(scalar)
            }
        }
        return "\"\(escaped.joined())\""
    }
}
