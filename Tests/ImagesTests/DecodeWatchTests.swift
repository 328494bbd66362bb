import Images
import Synchronization
import Testing

@Suite struct DecodeWatchTests {
    /// Images of several rows: plain, interlaced, baseline and progressive.
    private static let files: [[UInt8]] = [
        PNGBuilder.file(
            PNGBuilder.header(1, 9, type: 0),
            PNGBuilder.chunk("IDAT", PNGBuilder.stored([UInt8](repeating: 0, count: 18))), PNGBuilder.chunk("IEND")),
        PNGBuilder.file(
            PNGBuilder.header(1, 8, type: 0, interlace: 1),
            PNGBuilder.chunk("IDAT", PNGBuilder.stored([UInt8](repeating: 0, count: 16))), PNGBuilder.chunk("IEND")),
        JPEGBuilder.file(JPEGBuilder.frame(8, 8), JPEGBuilder.tables, JPEGBuilder.scan(0, 63, 0)),
        JPEGBuilder.progressive(rounds: 1),
    ]

    private static func error(_ file: [UInt8], _ watch: DecodeWatch) -> ImageError? {
        do throws(ImageError) {
            _ = try ImageFile.decode(file, limits: .standard, watch: watch)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: files) func decodingEndsAtItsLimitOfProcessorTime(file: [UInt8]) {
        func error(limit: Int) -> ImageError? {
            var seconds = -1
            let watch = DecodeWatch(
                limit: .seconds(limit),
                processorTime: {
                    seconds += 1
                    return .seconds(seconds)
                })
            return Self.error(file, watch)
        }
        for limit in 0...7 { #expect(error(limit: limit) == .tooSlow(limit: .seconds(limit))) }
        #expect(error(limit: 1_000) == nil)
    }

    @Test(arguments: files) func decodingEndsBetweenRowsWhenNobodyWantsIt(file: [UInt8]) {
        for rows in 0...7 {
            var asked = 0
            let watch = DecodeWatch(
                limit: .seconds(5),
                isCancelled: {
                    asked += 1
                    return asked > rows
                })
            #expect(Self.error(file, watch) == .cancelled)
        }
    }
}
