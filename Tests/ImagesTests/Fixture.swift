import Foundation
import Images

/// A file that `Tests/Fixtures/make_images.py` wrote.
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

    static func read<T: Decodable>(_ name: String, as type: T.Type) throws -> T {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
        return try JSONDecoder().decode(type, from: Data(contentsOf: folder.appending(path: name)))
    }
}
