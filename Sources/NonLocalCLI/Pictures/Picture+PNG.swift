#if Pictures
    import CPNG
    import Foundation
    import NonLocal

    /// PNG through libpng's simplified API, which reports errors without longjmp.
    extension Picture {
        /// Whether this build can read and write pictures.
        static func requireSupport() throws {}

        /// The largest picture that is read, in pixels.
        private static var largest: Int { 1 << 26 }

        /// Reads a PNG file: grey, colour or palette, with or without alpha. 16 bits a channel become 8, other
        /// gammas sRGB.
        ///
        /// - Throws: ``Failure`` if the file can't be read, is not a PNG or is cut off; before memory is taken if
        ///   it is too large or promises more than it can hold.
        init(png path: String) throws {
            var image = png_image()
            image.version = png_uint_32(PNG_IMAGE_VERSION)
            defer { png_image_free(&image) }
            guard png_image_begin_read_from_file(&image, path) != 0 else {
                throw Failure("can't read '\(path)': \(image.text)", advice: "It has to be a PNG picture.")
            }
            // Files that don't say otherwise hold what screens show, at 16 bits too.
            image.flags |= png_uint_32(PNG_IMAGE_FLAG_16BIT_sRGB)
            let width = Int(image.width)
            let height = Int(image.height)
            let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
            guard !overflow, pixels <= Self.largest else {
                throw Failure(
                    "'\(path)' has \(width)×\(height) pixels, more than the \(Self.largest) that are read")
            }
            try Self.checkPromise(pixels, path)

            let hasColour = image.format & png_uint_32(PNG_FORMAT_FLAG_COLOR) != 0
            let hasAlpha = image.format & png_uint_32(PNG_FORMAT_FLAG_ALPHA) != 0
            image.format =
                (hasColour ? png_uint_32(PNG_FORMAT_FLAG_COLOR) : 0)
                | (hasAlpha ? png_uint_32(PNG_FORMAT_FLAG_ALPHA) : 0)
            let colours = hasColour ? 3 : 1
            var bytes = [UInt8](repeating: 0, count: pixels * (colours + (hasAlpha ? 1 : 0)))
            guard png_image_finish_read(&image, nil, &bytes, 0, nil) != 0 else {
                throw Failure(
                    "can't read '\(path)': \(image.text)", advice: "The file is damaged or cut off.")
            }
            self.init(width: width, height: height, colours: colours, hasAlpha: hasAlpha, bytes: bytes)
        }

        /// Writes a PNG file, which appears complete or not at all.
        ///
        /// - Throws: ``NonLocalError`` or ``Failure`` if it can't be written.
        func write(png path: String) throws {
            try OutputFile.write(to: path) { file in
                let descriptor = dup(file.fileDescriptor)
                guard descriptor >= 0, let stream = fdopen(descriptor, "wb") else {
                    throw Failure("can't write '\(path)': \(String(cString: strerror(errno)))")
                }
                var image = png_image()
                image.version = png_uint_32(PNG_IMAGE_VERSION)
                image.width = png_uint_32(width)
                image.height = png_uint_32(height)
                image.format =
                    (colours == 3 ? png_uint_32(PNG_FORMAT_FLAG_COLOR) : 0)
                    | (hasAlpha ? png_uint_32(PNG_FORMAT_FLAG_ALPHA) : 0)
                let written = png_image_write_to_stdio(&image, stream, 0, bytes, 0, nil)
                let closed = fclose(stream)
                guard written != 0, closed == 0 else {
                    let reason = written == 0 ? image.text : String(cString: strerror(errno))
                    throw Failure("can't write '\(path)': \(reason)")
                }
            }
        }

        /// Deflate shrinks to a thousandth at best, and a pixel has at least one bit.
        private static func checkPromise(_ pixels: Int, _ path: String) throws {
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
            guard pixels / 8 / 1032 <= Int(status.st_size) else {
                throw Failure(
                    "'\(path)' promises \(pixels) pixels, more than its \(status.st_size) bytes can hold",
                    advice: "The file is damaged or cut off.")
            }
        }
    }

    extension png_image {
        /// libpng's own words about what went wrong.
        fileprivate var text: String {
            withUnsafeBytes(of: message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
    }
#endif
