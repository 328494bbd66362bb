#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Decides whether a decoder may continue: until it exceeds its processor time, or the caller cancels.
package struct DecodeWatch {
    let limit: Duration
    let isCancelled: () -> Bool
    /// Processor time of this thread.
    let processorTime: () -> Duration
    private let started: Duration

    /// A watch that starts now.
    package init(
        limit: Duration, processorTime: @escaping () -> Duration = DecodeWatch.threadTime,
        isCancelled: @escaping () -> Bool = { false }
    ) {
        self.limit = limit
        self.isCancelled = isCancelled
        self.processorTime = processorTime
        started = processorTime()
    }

    /// Why decoding must end now; nil if it may continue.
    var objection: ImageError? {
        if isCancelled() { return .cancelled }
        return processorTime() - started > limit ? .tooSlow(limit: limit) : nil
    }

    /// The processor time of the calling thread.
    package static func threadTime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}

/// Receives a decoder's rows: converts them to grey or RGB and writes them to their positions in the upright image.
struct PixelSink {
    /// The format of the decoder's samples.
    enum Samples {
        case grey
        case greyAlpha
        case rgb
        case rgba
        /// Indexes into a palette of red, green and blue.
        case palette([UInt8])
        /// CMYK in the form that Adobe's programs store, and all others with them: 255 is no ink.
        case invertedCMYK

        /// The number of channels of the resulting image.
        var channels: Int {
            switch self {
            case .grey, .greyAlpha: 1
            case .rgb, .rgba, .palette, .invertedCMYK: 3
            }
        }
    }

    /// The box of the decoder's rows on the image, in stored pixels. The rest of the image is white.
    struct Frame: Equatable {
        let left: Int
        let top: Int
        let width: Int
        let height: Int
    }

    private let samples: Samples
    private let width: Int
    private let height: Int
    private let frame: Frame
    private let orientation: Orientation
    private let watch: DecodeWatch
    private let pixels: UnsafeMutableBufferPointer<UInt8>
    private var row = 0
    /// Why decoding was stopped.
    private(set) var failure: ImageError?

    /// The image that `decode` writes to a sink. `decode` must deliver every row of `frame`, by default of the whole
    /// image, or throw.
    static func image(
        of samples: Samples, width: Int, height: Int, frame: Frame? = nil, orientation: Orientation,
        watch: DecodeWatch,
        decode: (inout PixelSink) throws(ImageError) -> Void
    ) throws(ImageError) -> DecodedImage {
        let count = width * height * samples.channels
        let whole = Frame(left: 0, top: 0, width: width, height: height)
        let frame = frame ?? whole
        var result: Result<Void, ImageError> = .success(())
        let pixels = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            if frame != whole { buffer.initialize(repeating: 255) }
            var sink = PixelSink(
                samples: samples, width: width, height: height, frame: frame, orientation: orientation, watch: watch,
                pixels: buffer)
            do throws(ImageError) {
                try decode(&sink)
                precondition(sink.row == frame.height, "\(sink.row) rows of \(frame.height)")
                initialized = count
            } catch {
                result = .failure(error)
            }
        }
        try result.get()
        return DecodedImage(
            width: orientation.swapsSides ? height : width, height: orientation.swapsSides ? width : height,
            channels: samples.channels, samples: pixels)
    }

    /// Whether the decoder may go on.
    private mutating func mayContinue() -> Bool {
        failure = watch.objection
        return failure == nil
    }

    /// Receives the next row, from the top down; false if the row is invalid.
    private mutating func take(_ line: UnsafePointer<UInt8>) -> Bool {
        precondition(row < frame.height, "more than \(frame.height) rows")
        let (first, step) = orientation.path(of: frame.top + row, width: width, height: height)
        let start = first + frame.left * step
        row += 1
        switch samples {
        case .grey:
            for x in 0..<frame.width { pixels[start + x * step] = line[x] }
        case .greyAlpha:
            for x in 0..<frame.width { pixels[start + x * step] = Self.overWhite(line[2 * x], alpha: line[2 * x + 1]) }
        case .rgb: put(start, step) { x, channel in line[3 * x + channel] }
        case .rgba:
            put(start, step) { x, channel in Self.overWhite(line[4 * x + channel], alpha: line[4 * x + 3]) }
        case .invertedCMYK: put(start, step) { x, channel in Self.scaled(line[4 * x + channel], by: line[4 * x + 3]) }
        case .palette(let table):
            guard let index = (0..<frame.width).first(where: { Int(line[$0]) * 3 >= table.count }) else {
                put(start, step) { x, channel in table[Int(line[x]) * 3 + channel] }
                return true
            }
            let entries = table.count / 3
            failure = .corrupt(.png, "a pixel has index \(line[index]) in a palette of \(entries) entries")
            return false
        }
        return true
    }

    /// The status of a C function that receives this sink as the context of its callbacks.
    mutating func status(of decode: (_ context: UnsafeMutableRawPointer) -> Int32) -> Int {
        withUnsafeMutablePointer(to: &self) { Int(decode(UnsafeMutableRawPointer($0))) }
    }

    // The callbacks of the C functions.
    static var mayContinue: @convention(c) (UnsafeMutableRawPointer?) -> Int32 {
        { $0?.assumingMemoryBound(to: PixelSink.self).pointee.mayContinue() == true ? 1 : 0 }
    }

    static var takeRow: @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<UInt8>?) -> Int32 {
        { context, line in
            guard let line else { return 0 }
            return context?.assumingMemoryBound(to: PixelSink.self).pointee.take(line) == true ? 1 : 0
        }
    }

    @inline(__always)
    private func put(_ start: Int, _ step: Int, _ sample: (_ x: Int, _ channel: Int) -> UInt8) {
        for x in 0..<frame.width {
            let at = (start + x * step) * 3
            for channel in 0..<3 { pixels[at + channel] = sample(x, channel) }
        }
    }

    /// `(value * alpha + 255 * (255 - alpha)) / 255`, rounded to nearest; exact for every pair.
    static func overWhite(_ value: UInt8, alpha: UInt8) -> UInt8 {
        let sum = Int(value) * Int(alpha) + 255 * (255 - Int(alpha))
        return UInt8((sum + 127) / 255)
    }

    /// `value * share / 255`, rounded to nearest.
    private static func scaled(_ value: UInt8, by share: UInt8) -> UInt8 {
        UInt8((Int(value) * Int(share) + 127) / 255)
    }
}

extension String {
    /// A C library's zero-terminated message.
    init(libraryMessage: [CChar]) {
        self.init(decoding: libraryMessage.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
