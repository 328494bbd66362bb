/// Turns 8-bit samples of any kind into RGB over white.
enum PixelConversion {
    /// From grey (1 channel), grey and alpha (2), RGB (3) or RGBA (4).
    static func rgb(samples: [UInt8], channels: Int) -> [UInt8] {
        guard channels != 3 else { return samples }
        let colours = channels < 3 ? 1 : 3
        let count = samples.count / channels
        return [UInt8](unsafeUninitializedCapacity: count * 3) { target, initialized in
            samples.withUnsafeBufferPointer { source in
                for pixel in 0..<count {
                    let from = pixel * channels
                    let alpha = channels == colours ? 255 : source[from + colours]
                    for channel in 0..<3 {
                        let value = source[from + (colours == 1 ? 0 : channel)]
                        target[pixel * 3 + channel] = overWhite(value, alpha: alpha)
                    }
                }
            }
            initialized = count * 3
        }
    }

    /// From indexes into the palette; one that is outside of it is an error.
    static func rgb(indexes: [UInt8], chunks: PNGChunks) throws(PNGError) -> [UInt8] {
        let palette = Array(chunks.palette)
        let alphas = Array(chunks.transparency)
        let entries = palette.count / 3
        var table = [UInt8](repeating: 0, count: palette.count)
        for entry in 0..<entries {
            let alpha = entry < alphas.count ? alphas[entry] : 255
            for place in (entry * 3)..<(entry * 3 + 3) {
                table[place] = overWhite(palette[place], alpha: alpha)
            }
        }
        if let index = indexes.first(where: { Int($0) >= entries }) {
            throw .corrupt("a pixel has index \(index) in a palette of \(entries) entries")
        }
        return [UInt8](unsafeUninitializedCapacity: indexes.count * 3) { target, initialized in
            table.withUnsafeBufferPointer { table in
                for (pixel, index) in indexes.enumerated() {
                    for channel in 0..<3 { target[pixel * 3 + channel] = table[Int(index) * 3 + channel] }
                }
            }
            initialized = indexes.count * 3
        }
    }

    /// `(value * alpha + 255 * (255 - alpha)) / 255`, rounded to nearest; exact for every pair.
    private static func overWhite(_ value: UInt8, alpha: UInt8) -> UInt8 {
        let sum = Int(value) * Int(alpha) + 255 * (255 - Int(alpha))
        return UInt8((sum + 127) / 255)
    }
}
