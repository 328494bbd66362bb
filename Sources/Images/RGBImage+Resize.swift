extension RGBImage {
    /// The picture at another size, equal to Pillow's `Image.resize` byte for byte.
    ///
    /// Antialiased: when a side shrinks, the filter is widened by as much. Two passes, columns first, each with 22-bit
    /// fixed-point weights and each rounded to 8 bits; a side that keeps its size is not filtered.
    public func resized(width: Int, height: Int, filter: ResampleFilter) -> RGBImage {
        precondition(width > 0 && height > 0, "cannot resize to \(width)x\(height)")
        var image = self
        if width != image.width { image = image.resizedAcross(to: width, filter: filter) }
        if height != image.height { image = image.resizedDown(to: height, filter: filter) }
        return image
    }

    private func resizedAcross(to width: Int, filter: ResampleFilter) -> RGBImage {
        let taps = ResampleTaps(from: self.width, to: width, filter: filter)
        let count = width * height * 3
        let pixels = [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
            self.pixels.withUnsafeBufferPointer { source in
                taps.weights.withUnsafeBufferPointer { weights in
                    for y in 0..<height {
                        for (x, window) in taps.windows.enumerated() {
                            let from = (y * self.width + window.first) * 3
                            let pixel = Self.weigh(source, from: from, weights, window)
                            for channel in 0..<3 { target[(y * width + x) * 3 + channel] = pixel[channel] }
                        }
                    }
                }
            }
            initialized = count
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    /// One output pixel: neighbours from `from` on, times the window's weights.
    private static func weigh(
        _ source: UnsafeBufferPointer<UInt8>, from: Int, _ weights: UnsafeBufferPointer<Int32>,
        _ window: ResampleTaps.Window
    ) -> SIMD3<UInt8> {
        var sums = SIMD3<Int32>(repeating: half)
        for tap in 0..<window.count {
            let at = from + tap * 3
            let pixel = SIMD3<Int32>(Int32(source[at]), Int32(source[at + 1]), Int32(source[at + 2]))
            sums &+= pixel &* weights[window.offset + tap]
        }
        return SIMD3(sample(sums.x), sample(sums.y), sample(sums.z))
    }

    private func resizedDown(to height: Int, filter: ResampleFilter) -> RGBImage {
        let taps = ResampleTaps(from: self.height, to: height, filter: filter)
        let row = width * 3
        let pixels = [UInt8](unsafeUninitializedCapacity: height * row) { target, initialized in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: row) { sums in
                self.pixels.withUnsafeBufferPointer { source in
                    for (y, window) in taps.windows.enumerated() {
                        sums.initialize(repeating: Self.half)
                        for tap in 0..<window.count {
                            let weight = taps.weights[window.offset + tap]
                            let from = (window.first + tap) * row
                            for x in 0..<row { sums[x] &+= Int32(source[from + x]) &* weight }
                        }
                        for x in 0..<row { target[y * row + x] = Self.sample(sums[x]) }
                    }
                }
            }
            initialized = height * row
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    private static var half: Int32 { 1 << (ResampleTaps.fractionBits - 1) }

    private static func sample(_ sum: Int32) -> UInt8 {
        UInt8(clamping: sum >> ResampleTaps.fractionBits)
    }
}
