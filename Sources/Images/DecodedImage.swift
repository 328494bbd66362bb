/// An image of 8-bit samples as in its file: grey stays grey, with one byte per pixel, until colour is needed.
public struct DecodedImage: Sendable, Equatable {
    /// Pixels per row, at least 1.
    public let width: Int
    /// The number of rows, at least 1.
    public let height: Int
    /// 1 for grey, 3 for red, green and blue.
    public let channels: Int
    /// The samples, `[height, width, channels]`, row-major from the top left.
    public let samples: [UInt8]

    /// An image with `samples` of shape `[height, width, channels]`. Another count or an empty side is a programming
    /// error.
    public init(width: Int, height: Int, channels: Int, samples: [UInt8]) {
        precondition(width > 0 && height > 0 && (channels == 1 || channels == 3))
        precondition(samples.count == width * height * channels, "\(samples.count) samples for \(width)x\(height)")
        self.width = width
        self.height = height
        self.channels = channels
        self.samples = samples
    }

    /// An image in colour.
    public init(_ image: RGBImage) {
        self.init(width: image.width, height: image.height, channels: 3, samples: image.pixels)
    }

    /// The image in colour.
    public var rgb: RGBImage {
        guard channels == 1 else { return RGBImage(width: width, height: height, pixels: samples) }
        let pixels = [UInt8](unsafeUninitializedCapacity: samples.count * 3) { target, initialized in
            for (pixel, grey) in samples.enumerated() {
                for channel in 0..<3 { target[pixel * 3 + channel] = grey }
            }
            initialized = samples.count * 3
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }
}

/// An image of 8-bit red, green and blue samples, without alpha and without a colour profile.
public struct RGBImage: Sendable, Equatable {
    /// Pixels per row, at least 1.
    public let width: Int
    /// The number of rows, at least 1.
    public let height: Int
    /// The samples, `[height, width, 3]`, row-major from the top left.
    public let pixels: [UInt8]

    /// An image with `pixels` of shape `[height, width, 3]`. Another count or an empty side is a programming error.
    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0, "a picture of \(width)x\(height) has no pixels")
        let count = width.multipliedReportingOverflow(by: height)
        precondition(
            !count.overflow && pixels.count % 3 == 0 && pixels.count / 3 == count.partialValue,
            "\(pixels.count) bytes are not a picture of \(width)x\(height)")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// An image of one colour.
    public init(width: Int, height: Int, red: UInt8, green: UInt8, blue: UInt8) {
        var pixels: [UInt8] = []
        pixels.reserveCapacity(width * height * 3)
        for _ in 0..<(width * height) { pixels += [red, green, blue] }
        self.init(width: width, height: height, pixels: pixels)
    }
}
