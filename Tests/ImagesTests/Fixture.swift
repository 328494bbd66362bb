import Foundation
import Images

/// A file that `Tests/Fixtures/make_images.py` or `make_jpeg.py` wrote.
enum Fixture {
    struct Decoded: Decodable {
        let name: String
        let png: Data
        let width: Int
        let height: Int
        let rgb: Data

        var image: RGBImage { RGBImage(width: width, height: height, pixels: [UInt8](rgb)) }
    }

    struct PNGFile: Decodable {
        let cases: [Decoded]
    }

    struct Source: Decodable {
        let width: Int
        let height: Int
        let rgb: Data
    }

    struct Resized: Decodable {
        let source: Int
        let width: Int
        let height: Int
        let filter: String
        let rgb: Data
    }

    struct ResizeFile: Decodable {
        let sources: [Source]
        let results: [Resized]
    }

    struct Case: Decodable {
        let name: String
        /// Empty where it is a file by itself.
        let file: Data
        let width: Int
        let height: Int
        let channels: Int
        let samples: Data
    }

    struct CaseFile: Decodable {
        let cases: [Case]
    }

    static func read<T: Decodable>(_ name: String, as type: T.Type) throws -> T {
        try JSONDecoder().decode(type, from: Data(bytes(name)))
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
        return [UInt8](try Data(contentsOf: folder.appending(path: name)))
    }
}
