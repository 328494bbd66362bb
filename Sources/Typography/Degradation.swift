package import Images

/// What happens to text between its drawing and a screenshot or a photograph of it. Integer arithmetic throughout.
extension Canvas {
    /// Blurs with the kernel (`weight`, 256 - 2 `weight`, `weight`) / 256 in both directions; the border repeats.
    /// `weight` is 0 to 85: 85 averages nine pixels.
    package mutating func blur(weight: Int) {
        precondition((0...85).contains(weight), "a blur of weight \(weight)")
        let (rows, stride) = (height, width * 3)
        var across = pixels
        across.withUnsafeMutableBufferPointer { target in
            pixels.withUnsafeBufferPointer { from in
                for first in Swift.stride(from: 0, to: rows * stride, by: stride) {
                    let last = first + stride - 3
                    // The middle of the row, then its two ends.
                    for at in (first + 3)..<max(first + 3, last) {
                        target[at] = Self.blurred(from[at - 3], from[at], from[at + 3], weight: weight)
                    }
                    for at in first..<(first + 3) {
                        let next = stride > 3 ? at + 3 : at
                        target[at] = Self.blurred(from[at], from[at], from[next], weight: weight)
                    }
                    for at in max(first + 3, last)..<(first + stride) {
                        target[at] = Self.blurred(from[at - 3], from[at], from[at], weight: weight)
                    }
                }
            }
        }
        across.withUnsafeBufferPointer { from in
            pixels.withUnsafeMutableBufferPointer { target in
                for y in 0..<rows {
                    let (row, above, below) = (y * stride, max(y - 1, 0) * stride, min(y + 1, rows - 1) * stride)
                    for x in 0..<stride {
                        target[row + x] = Self.blurred(
                            from[above + x], from[row + x], from[below + x], weight: weight)
                    }
                }
            }
        }
    }

    @inline(__always)
    private static func blurred(_ before: UInt8, _ here: UInt8, _ after: UInt8, weight: Int) -> UInt8 {
        let side = UInt32(truncatingIfNeeded: weight)
        let sum = (UInt32(before) &+ UInt32(after)) &* side &+ UInt32(here) &* (256 &- 2 &* side) &+ 128
        return UInt8(truncatingIfNeeded: sum >> 8)
    }

    /// Adds noise, uniform in -`amplitude`...`amplitude` for each channel of each pixel, or the same for all three
    /// channels of a pixel if `isGrey`.
    package mutating func addNoise(
        amplitude: Int, isGrey: Bool, _ generator: inout some RandomNumberGenerator
    ) {
        precondition((0...127).contains(amplitude), "noise of \(amplitude)")
        // Element b is the change that the random byte b stands for.
        let changes = (0..<256).map { Int16((2 * $0 - 255) * amplitude / 255) }
        pixels.withUnsafeMutableBufferPointer { target in
            var bits: UInt64 = 0
            var left = 0
            var change: Int16 = 0
            var channel = 0
            for at in target.indices {
                if channel == 0 || !isGrey {
                    if left == 0 {
                        bits = generator.next()
                        left = 8
                    }
                    change = changes[Int(truncatingIfNeeded: bits & 255)]
                    bits >>= 8
                    left -= 1
                }
                channel = channel == 2 ? 0 : channel + 1
                target[at] = UInt8(clamping: Int16(target[at]) &+ change)
            }
        }
    }

    /// Scales the distance of every channel from `middle` by `percent` / 100.
    package mutating func scaleContrast(percent: Int, around middle: UInt8) {
        let table = (0..<256).map { UInt8(clamping: Int(middle) + ($0 - Int(middle)) * percent / 100) }
        pixels.withUnsafeMutableBufferPointer { target in
            for at in target.indices { target[at] = table[Int(target[at])] }
        }
    }

    /// The canvas at another size.
    package func resized(width: Int, height: Int, filter: ResampleFilter) -> Canvas {
        Canvas(image.resized(width: width, height: height, filter: filter))
    }

    /// Leaves what a JPEG of `quality` 1 to 100 does, with the colour at half the width and height if `halvesColour`.
    package mutating func compress(quality: Int, halvesColour: Bool) {
        if let left = image.compressedAsJPEG(quality: quality, halvesColour: halvesColour) { pixels = left.pixels }
    }

    /// The canvas turned by the angle whose tangent is `slope` (-0.2 to 0.2, clockwise) around its middle, sampled
    /// between pixels. What was outside has the colour of the nearest pixel. `PlacedCharacter.turned` tells where text
    /// went.
    package func turned(slope: Double) -> Canvas {
        precondition((-0.2...0.2).contains(slope), "a turn of \(slope)")
        var turned = self
        let cosine = 1 / (1 + slope * slope).squareRoot()
        // 16 bits of fraction; columns and rows of pixel centres.
        let (across, down) = (Int((cosine * 65_536).rounded()), Int((cosine * slope * 65_536).rounded()))
        let stride = width * 3
        pixels.withUnsafeBufferPointer { from in
            turned.pixels.withUnsafeMutableBufferPointer { target in
                for y in 0..<height {
                    let (dx, dy) = (1 - width, 2 * y + 1 - height)
                    var sourceX = (dx * across + dy * down + (width - 1) << 16) >> 1
                    var sourceY = (dy * across - dx * down + (height - 1) << 16) >> 1
                    for x in 0..<width {
                        let (left, top) = (sourceX >> 16, sourceY >> 16)
                        let (partX, partY) = (sourceX >> 8 & 255, sourceY >> 8 & 255)
                        let (x0, x1) = (clamp(left, width), clamp(left + 1, width))
                        let (y0, y1) = (clamp(top, height) * stride, clamp(top + 1, height) * stride)
                        for channel in 0..<3 {
                            let upper =
                                Int(from[y0 + x0 * 3 + channel]) * (256 - partX)
                                + Int(from[y0 + x1 * 3 + channel]) * partX
                            let lower =
                                Int(from[y1 + x0 * 3 + channel]) * (256 - partX)
                                + Int(from[y1 + x1 * 3 + channel]) * partX
                            let sum = upper * (256 - partY) + lower * partY + 32_768
                            target[y * stride + x * 3 + channel] = UInt8(truncatingIfNeeded: sum >> 16)
                        }
                        sourceX += across
                        sourceY -= down
                    }
                }
            }
        }
        return turned
    }

    @inline(__always)
    private func clamp(_ value: Int, _ count: Int) -> Int { min(max(value, 0), count - 1) }
}
