import CJPEGDecoder

/// Reads JPEG over libjpeg: baseline and progressive, grey, YCbCr, RGB, CMYK and YCCK.
enum JPEG {
    static func decode(
        _ bytes: [UInt8], limits: ImageLimits, watch: DecodeWatch
    ) throws(ImageError) -> DecodedImage {
        let header = try JPEGHeader(bytes, limits: limits)
        let samples: PixelSink.Samples =
            switch header.components.count {
            case 1: .grey
            case 3: .rgb
            default: .invertedCMYK
            }
        return try PixelSink.image(
            of: samples, width: header.width, height: header.height, orientation: header.orientation, watch: watch
        ) { sink throws(ImageError) in
            try decode(bytes, header, maximumScans: limits.maximumScans, into: &sink)
        }
    }

    private static func decode(
        _ bytes: [UInt8], _ header: JPEGHeader, maximumScans: Int, into sink: inout PixelSink
    ) throws(ImageError) {
        var message = [CChar](repeating: 0, count: 200)
        let status = sink.status { context in
            apus_jpeg_decode(
                bytes, bytes.count, header.width, header.height, Int32(header.components.count), Int32(maximumScans),
                PixelSink.mayContinue, PixelSink.takeRow, context, &message, message.count)
        }
        switch status {
        case APUS_JPEG_DECODED: return
        case APUS_JPEG_TOO_MANY_SCANS: throw .tooManyScans(limit: maximumScans)
        case APUS_JPEG_STOPPED where sink.failure != nil: throw sink.failure ?? .cancelled
        default: throw .corrupt(.jpeg, String(libraryMessage: message))
        }
    }
}
