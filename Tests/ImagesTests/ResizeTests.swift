import Images
import Testing

@Suite struct ResizeTests {
    @Test func equalsPillowByteForByte() throws {
        let file = try Fixture.read("resize.json", as: Fixture.ResizeFile.self)
        #expect(file.results.count == 90)
        for result in file.results {
            let source = file.sources[result.source]
            let image = RGBImage(width: source.width, height: source.height, pixels: [UInt8](source.rgb))
            let filter = try #require(ResampleFilter(rawValue: result.filter))
            let resized = image.resized(width: result.width, height: result.height, filter: filter)
            let name = "\(source.width)x\(source.height) to \(result.width)x\(result.height), \(filter)"
            #expect(resized.width == result.width && resized.height == result.height, "\(name)")
            #expect(resized.pixels == [UInt8](result.rgb), "\(name)")
        }
    }

    @Test(arguments: ResampleFilter.allCases)
    func oneColourStaysItself(filter: ResampleFilter) {
        let image = RGBImage(width: 13, height: 9, red: 255, green: 0, blue: 117)
        for (width, height) in [(1, 1), (5, 40), (300, 2)] {
            let resized = image.resized(width: width, height: height, filter: filter)
            #expect(resized == RGBImage(width: width, height: height, red: 255, green: 0, blue: 117))
        }
    }
}
