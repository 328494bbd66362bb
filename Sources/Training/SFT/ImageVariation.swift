package import Images
import Support

/// Shows an image a little differently each time, so that a few images teach more than their pixels: at another size
/// and place on its ground, lighter or darker. Images are never mirrored or turned, since that can change what they
/// mean.
package struct ImageVariation: Sendable {
    /// The range of sizes, as shares of the image's own.
    private static let scales = 0.75...1.1
    /// How far width and height may differ from that share.
    private static let stretches = 0.93...1.07
    /// The range of the contrast's factor.
    private static let contrasts = 0.8...1.2
    /// The range of what is added to each sample.
    private static let offsets = -20.0...20.0

    private var generator: SplitMix64

    /// The variation with this number under a seed.
    package init(seed: UInt64, number: UInt64) { generator = SplitMix64(seed: seed, stream: number) }

    /// The image, of the same width and height, with its ground where it does not reach.
    package mutating func varied(_ image: RGBImage) -> RGBImage {
        let scale = Double.random(in: Self.scales, using: &generator)
        let width = side(image.width, scale)
        let height = side(image.height, scale)
        let contrast = Double.random(in: Self.contrasts, using: &generator)
        let offset = Double.random(in: Self.offsets, using: &generator)
        let (left, top) = (place(width, in: image.width), place(height, in: image.height))
        let scaled = image.resized(width: width, height: height, filter: .bilinear)
        let ground = Self.ground(of: image)
        let samples = (0...255).map { UInt8(min(max((Double($0) - 128) * contrast + 128 + offset, 0), 255)) }
        var pixels: [UInt8] = []
        pixels.reserveCapacity(image.pixels.count)
        for y in 0..<image.height {
            for x in 0..<image.width {
                let (column, row) = (x - left, y - top)
                let isInside = (0..<width).contains(column) && (0..<height).contains(row)
                for channel in 0..<3 {
                    let sample = isInside ? scaled.pixels[(row * width + column) * 3 + channel] : ground[channel]
                    pixels.append(samples[Int(sample)])
                }
            }
        }
        return RGBImage(width: image.width, height: image.height, pixels: pixels)
    }

    private mutating func side(_ side: Int, _ scale: Double) -> Int {
        max(1, Int((Double(side) * scale * Double.random(in: Self.stretches, using: &generator)).rounded()))
    }

    /// Where a side of the given length begins, so that it is inside the whole, or covers it.
    private mutating func place(_ side: Int, in whole: Int) -> Int {
        Int.random(in: min(0, whole - side)...max(0, whole - side), using: &generator)
    }

    /// The colour that is the most frequent on the image's border.
    private static func ground(of image: RGBImage) -> [UInt8] {
        var counts: [[UInt8]: Int] = [:]
        func count(_ x: Int, _ y: Int) {
            let start = (y * image.width + x) * 3
            counts[Array(image.pixels[start..<start + 3]), default: 0] += 1
        }
        for x in 0..<image.width {
            count(x, 0)
            count(x, image.height - 1)
        }
        for y in 0..<image.height {
            count(0, y)
            count(image.width - 1, y)
        }
        // Of equally frequent colours the first in order, so that the choice is the same every time.
        let most = counts.max { one, other in
            one.value != other.value
                ? one.value < other.value : other.key.lexicographicallyPrecedes(one.key)
        }
        return most?.key ?? [255, 255, 255]
    }
}
