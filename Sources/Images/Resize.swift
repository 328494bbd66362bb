extension RGBImage {
    /// The image at another size; see `DecodedImage.resized`.
    public func resized(width: Int, height: Int, filter: ResampleFilter) -> RGBImage {
        DecodedImage(self).resized(width: width, height: height, filter: filter).rgb
    }
}

extension DecodedImage {
    /// The image at another size, equal to Pillow 13's `Image.resize` byte for byte.
    ///
    /// It is antialiased: when a side shrinks, the filter widens by the same factor. There are two passes with 22-bit
    /// fixed-point weights; each pass rounds to 8 bits. The width is changed first, unless the height loses more than
    /// twice as many pixels. A side that keeps its size is not filtered.
    public func resized(width: Int, height: Int, filter: ResampleFilter) -> DecodedImage {
        precondition(width > 0 && height > 0, "cannot resize to \(width)x\(height)")
        let lostRows = self.height - height
        let isDownFirst = lostRows > 0 && lostRows > 2 * (self.width - width)
        var image = self
        if isDownFirst { image = image.resizedDown(to: height, filter: filter) }
        if width != image.width { image = image.resizedAcross(to: width, filter: filter) }
        if height != image.height { image = image.resizedDown(to: height, filter: filter) }
        return image
    }

    private func resizedAcross(to width: Int, filter: ResampleFilter) -> DecodedImage {
        let taps = ResampleTaps(from: self.width, to: width, filter: filter)
        let count = width * height * channels
        let samples = [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
            self.samples.withUnsafeBufferPointer { source in
                taps.weights.withUnsafeBufferPointer { weights in
                    for y in 0..<height {
                        let row = UnsafeBufferPointer(rebasing: source[(y * self.width * channels)...])
                        let made = UnsafeMutableBufferPointer(rebasing: target[(y * width * channels)...])
                        if channels == 1 {
                            Self.weighGrey(row, weights, taps.windows, into: made)
                        } else {
                            Self.weighColour(row, weights, taps.windows, into: made)
                        }
                    }
                }
            }
            initialized = count
        }
        return DecodedImage(width: width, height: height, channels: channels, samples: samples)
    }

    private static func weighGrey(
        _ row: UnsafeBufferPointer<UInt8>, _ weights: UnsafeBufferPointer<Int32>, _ windows: [ResampleTaps.Window],
        into target: UnsafeMutableBufferPointer<UInt8>
    ) {
        for (x, window) in windows.enumerated() {
            var sum = half
            for tap in 0..<window.count { sum &+= Int32(row[window.first + tap]) &* weights[window.offset + tap] }
            target[x] = sample(sum)
        }
    }

    private static func weighColour(
        _ row: UnsafeBufferPointer<UInt8>, _ weights: UnsafeBufferPointer<Int32>, _ windows: [ResampleTaps.Window],
        into target: UnsafeMutableBufferPointer<UInt8>
    ) {
        for (x, window) in windows.enumerated() {
            var sums = SIMD3<Int32>(repeating: half)
            for tap in 0..<window.count {
                let at = (window.first + tap) * 3
                let pixel = SIMD3<Int32>(Int32(row[at]), Int32(row[at + 1]), Int32(row[at + 2]))
                sums &+= pixel &* weights[window.offset + tap]
            }
            for channel in 0..<3 { target[x * 3 + channel] = sample(sums[channel]) }
        }
    }

    private func resizedDown(to height: Int, filter: ResampleFilter) -> DecodedImage {
        let taps = ResampleTaps(from: self.height, to: height, filter: filter)
        let row = width * channels
        let samples = [UInt8](unsafeUninitializedCapacity: height * row) { target, initialized in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: row) { sums in
                self.samples.withUnsafeBufferPointer { source in
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
        return DecodedImage(width: width, height: height, channels: channels, samples: samples)
    }

    private static var half: Int32 { 1 << (ResampleTaps.fractionBits - 1) }

    private static func sample(_ sum: Int32) -> UInt8 {
        UInt8(clamping: sum >> ResampleTaps.fractionBits)
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The weighting of neighbouring pixels when an image is resized.
public enum ResampleFilter: String, Sendable, CaseIterable {
    /// A triangle over 2 pixels.
    case bilinear
    /// Keys' cubic with a = -0.5 over 4 pixels.
    case bicubic
    /// Sinc windowed by sinc over 6 pixels.
    case lanczos

    /// Half the width of the filter, in pixels of the smaller scale.
    var support: Double {
        switch self {
        case .bilinear: 1
        case .bicubic: 2
        case .lanczos: 3
        }
    }

    /// The weight at distance `x`. The order of operations is Pillow's, so the weights agree in every bit.
    func weight(at x: Double) -> Double {
        switch self {
        case .bilinear:
            let x = abs(x)
            return x < 1 ? 1 - x : 0
        case .bicubic:
            let a = -0.5
            let x = abs(x)
            if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
            if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
            return 0
        case .lanczos:
            return -3 <= x && x < 3 ? Self.sinc(x) * Self.sinc(x / 3) : 0
        }
    }

    private static func sinc(_ x: Double) -> Double {
        if x == 0 { return 1 }
        let x = x * .pi
        return sin(x) / x
    }
}

/// For each output position of one axis: its input positions and their fixed-point weights.
struct ResampleTaps {
    /// Fraction bits of a weight: 32 bits minus 8 for the sample and 2 for headroom, as in Pillow.
    static let fractionBits: Int32 = 22

    struct Window {
        var first: Int
        /// The index of its first weight in `weights`.
        var offset: Int
        var count: Int
    }

    private(set) var windows: [Window] = []
    private(set) var weights: [Int32] = []

    init(from input: Int, to output: Int, filter: ResampleFilter) {
        let scale = Double(input) / Double(output)
        let stretch = max(scale, 1)
        let support = filter.support * stretch
        let step = 1 / stretch
        windows.reserveCapacity(output)
        for position in 0..<output {
            let centre = (Double(position) + 0.5) * scale
            let first = max(0, Int(centre - support + 0.5))
            let end = min(input, Int(centre + support + 0.5))
            var row = (first..<end).map { filter.weight(at: (Double($0) - centre + 0.5) * step) }
            let sum = row.reduce(0, +)
            if sum != 0 { row = row.map { $0 / sum } }
            windows.append(Window(first: first, offset: weights.count, count: row.count))
            weights += row.map { weight in
                Int32((weight < 0 ? -0.5 : 0.5) + weight * Double(1 << Self.fractionBits))
            }
        }
    }
}
