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
