extension Tensor where Element: BinaryFloatingPoint {
    /// Reads an array that NumPy wrote: `.npy`, versions 1 to 3, float16, float32 or float64 of either byte
    /// order, C or Fortran order. Each number is rounded to the nearest `Element`; one that is too large
    /// for `Element` becomes infinite.
    ///
    /// - Throws: ``NonLocalError/Code/file`` if the file can't be read; ``NonLocalError/Code/format`` if it
    ///   is not such a file, is cut off, or holds numbers of another type; ``NonLocalError/Code/memory``.
    public init(npy path: String) throws {
        let file = try InputFile(path)
        let header = try NpyHeader(file)
        let numbers = StoredNumbers(
            file: file, offset: header.length, format: header.format, bigEndian: header.bigEndian)
        guard header.fortranOrder, header.shape.count > 1 else {
            self = try Tensor(shape: header.shape) { try numbers.read(into: $0) }
            return
        }
        // Fortran order is row-major order of the reversed dimensions.
        let stored = try Tensor(shape: header.shape.reversed()) { try numbers.read(into: $0) }
        self = try stored.reversingDimensions()
    }

    /// Writes the tensor as NumPy does: `.npy` version 1, C order, little-endian float16, float32 or float64.
    ///
    /// The file appears complete or not at all.
    ///
    /// - Throws: ``NonLocalError/Code/file`` if it can't be written.
    public func write(npy path: String) throws {
        let header = try NpyHeader.bytes(shape: shape, format: NumberFormat(Element.self), path: path)
        try OutputFile.write(to: path) { file in
            try file.write(header)
            try withUnsafeBufferPointer { try file.write(UnsafeRawBufferPointer($0)) }
        }
    }

    /// The tensor with its dimensions in the opposite order: a transpose.
    func reversingDimensions() throws -> Tensor {
        try Tensor(shape: shape.reversed()) { target in
            // One step along a dimension here is a step of `strides` there.
            var strides = [Int](repeating: 1, count: shape.count)
            for axis in strides.indices.dropFirst() { strides[axis] = strides[axis - 1] * shape[axis - 1] }
            var index = [Int](repeating: 0, count: shape.count)
            var place = 0
            for element in storage.elements {
                target.initializeElement(at: place, to: element)
                for axis in shape.indices.reversed() {
                    index[axis] += 1
                    place += strides[axis]
                    if index[axis] < shape[axis] { break }
                    place -= strides[axis] * shape[axis]
                    index[axis] = 0
                }
            }
        }
    }
}
