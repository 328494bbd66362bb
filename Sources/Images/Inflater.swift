import CPNG

/// Measures a zlib stream that arrives in pieces: the bytes that it inflates to, up to a limit.
struct Inflater: ~Copyable {
    private(set) var isAtEnd = false
    private let stream: UnsafeMutablePointer<z_stream>
    private let scratch: UnsafeMutableBufferPointer<UInt8>
    private let isReady: Bool

    init() {
        // zlib keeps the address of its stream, so the stream must not move.
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        scratch = .allocate(capacity: 1 << 16)
        isReady = inflateInit_(stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    }

    deinit {
        if isReady { inflateEnd(stream) }
        stream.deallocate()
        scratch.deallocate()
    }

    /// Inflates `piece` and returns `total` plus the number of inflated bytes.
    ///
    /// Throws `corrupt` if the data is damaged, inflates to more than `limit`, or continues after the stream's end.
    mutating func count(
        _ piece: ArraySlice<UInt8>, from total: Int, limit: Int, watch: DecodeWatch
    ) throws(ImageError) -> Int {
        guard isReady else { throw .corrupt(.png, "zlib has no memory for the pixel data") }
        guard !piece.isEmpty else { return total }
        let result = piece.withUnsafeBufferPointer { input in
            measure(input, from: total, limit: limit, watch: watch)
        }
        return try result.get()
    }

    private mutating func measure(
        _ input: UnsafeBufferPointer<UInt8>, from start: Int, limit: Int, watch: DecodeWatch
    ) -> Result<Int, ImageError> {
        guard !isAtEnd else { return .failure(.corrupt(.png, "the pixel data goes on after its end")) }
        var total = start
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.pointee.avail_in = UInt32(input.count)
        repeat {
            if let objection = watch.objection { return .failure(objection) }
            stream.pointee.next_out = scratch.baseAddress
            stream.pointee.avail_out = UInt32(scratch.count)
            let status = inflate(stream, Z_NO_FLUSH)
            total += scratch.count - Int(stream.pointee.avail_out)
            guard total <= limit else {
                return .failure(.corrupt(.png, "the pixel data inflates to more than \(limit) bytes"))
            }
            switch status {
            case Z_STREAM_END:
                isAtEnd = true
                guard stream.pointee.avail_in == 0 else {
                    return .failure(.corrupt(.png, "the pixel data goes on after its end"))
                }
            case Z_OK, Z_BUF_ERROR: break
            default: return .failure(.corrupt(.png, "the pixel data cannot be inflated"))
            }
        } while !isAtEnd && stream.pointee.avail_out == 0
        return .success(total)
    }
}
