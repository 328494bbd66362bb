import CFreeType
import Foundation
package import Images

/// A small image that lets the ground through.
package struct Sticker: Sendable, Equatable {
    /// Columns.
    package let width: Int
    /// Rows.
    package let height: Int
    /// `[height, width, 4]`: red, green and blue multiplied by alpha, and alpha, 0 to 255.
    package let pixels: [UInt8]

    /// The given pixels.
    package init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0 && pixels.count == 4 * width * height, "\(pixels.count) values")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// An opaque image.
    package init(_ image: RGBImage) {
        var pixels: [UInt8] = []
        pixels.reserveCapacity(4 * image.width * image.height)
        for first in stride(from: 0, to: image.pixels.count, by: 3) {
            pixels += image.pixels[first..<first + 3] + [255]
        }
        self.init(width: image.width, height: image.height, pixels: pixels)
    }

    /// A character in one colour; nil if nothing of it is inked.
    package init?(_ glyph: Glyph, colour: RGB) {
        guard glyph.width > 0, glyph.height > 0, glyph.coverage.count == glyph.width * glyph.height else { return nil }
        let channels = [colour.red, colour.green, colour.blue, 255]
        let pixels = glyph.coverage.flatMap { coverage in
            channels.map { UInt8((Int($0) * Int(coverage) + 127) / 255) }
        }
        self.init(width: glyph.width, height: glyph.height, pixels: pixels)
    }

    /// The sticker with its longer side of `side` pixels.
    package func resized(side: Int) -> Sticker {
        let longer = max(width, height)
        let (newWidth, newHeight) = (max(1, width * side / longer), max(1, height * side / longer))
        func plane(_ first: Int, _ count: Int) -> RGBImage {
            var samples: [UInt8] = []
            samples.reserveCapacity(3 * width * height)
            for pixel in 0..<width * height {
                for channel in 0..<3 { samples.append(pixels[4 * pixel + first + min(channel, count - 1)]) }
            }
            return RGBImage(width: width, height: height, pixels: samples)
                .resized(width: newWidth, height: newHeight, filter: .bicubic)
        }
        let (colours, alphas) = (plane(0, 3), plane(3, 1))
        var resized: [UInt8] = []
        resized.reserveCapacity(4 * newWidth * newHeight)
        for pixel in 0..<newWidth * newHeight {
            let alpha = alphas.pixels[3 * pixel]
            // A colour above its alpha would lighten the ground.
            for channel in 0..<3 { resized.append(min(alpha, colours.pixels[3 * pixel + channel])) }
            resized.append(alpha)
        }
        return Sticker(width: newWidth, height: newHeight, pixels: resized)
    }
}

extension Canvas {
    /// Lays a sticker over the pixels from (`x`, `y`) on; what is outside is cut.
    package mutating func draw(_ sticker: Sticker, x: Int, y: Int) {
        for row in max(0, -y)..<max(max(0, -y), min(sticker.height, height - y)) {
            for column in max(0, -x)..<max(max(0, -x), min(sticker.width, width - x)) {
                let (from, to) = (4 * (row * sticker.width + column), 3 * ((y + row) * width + x + column))
                let rest = 255 - Int(sticker.pixels[from + 3])
                for channel in 0..<3 {
                    let ground = (Int(pixels[to + channel]) * rest + 127) / 255
                    pixels[to + channel] = UInt8(min(255, Int(sticker.pixels[from + channel]) + ground))
                }
            }
        }
    }
}

/// Who drew a set of pictograms.
package enum PictogramArtist: String, Sendable, CaseIterable {
    /// Noto Color Emoji, by Google (OFL-1.1): coloured bitmaps.
    case noto
    /// Symbola, by George Douros (free for any use): outlines of one colour.
    case symbola
    /// EmojiOne, by Ranks.com (CC-BY-SA-4.0), from Gemojione: coloured images, for tests alone.
    case emojiOne = "emoji-one"

    /// What the artist's pictograms are used for.
    package var split: FontSplit { self == .emojiOne ? .heldOut : .training }
}

/// Draws the pictograms of several artists. For one thread.
package protocol PictogramSource: AnyObject {
    /// The pictogram of a character, with its longer side of `side` pixels. `ink` is for artists without colours.
    func sticker(_ scalar: Unicode.Scalar, by artist: PictogramArtist, side: Int, ink: RGB) throws -> Sticker
}

/// The pictograms that `make fonts` fetches, in the folder `pictograms` of the fonts.
package final class OpenPictograms: PictogramSource {
    private let folder: String
    private let library: FontLibrary
    private let noto: OpaquePointer
    private let symbola: FontFace
    private var kept: [String: Sticker] = [:]

    /// Opens the files in `folder`. Throws `FontError` if one is missing or damaged.
    package init(folder: String, library: FontLibrary) throws(FontError) {
        var message = [CChar](repeating: 0, count: 200)
        let path = Self.paths(in: folder)[0]
        guard FileManager.default.fileExists(atPath: path) else { throw .missing(path: path) }
        guard
            let noto = apus_colour_face_open(
                library.handle, path, FontFace.maximumBytes, &message, message.count)
        else { throw .face(path: path, reason: String(cMessage: message)) }
        do throws(FontError) {
            symbola = try FontFace(path: Self.paths(in: folder)[1], library: library)
        } catch {
            apus_font_face_close(noto)
            throw error
        }
        self.folder = folder
        self.library = library
        self.noto = noto
    }

    deinit { apus_font_face_close(noto) }

    /// The files of the training's artists, for a digest of what a run drew with.
    package static func paths(in folder: String) -> [String] {
        ["\(folder)/NotoColorEmoji.ttf", "\(folder)/Symbola_hint.ttf"]
    }

    package func sticker(
        _ scalar: Unicode.Scalar, by artist: PictogramArtist, side: Int, ink: RGB
    ) throws -> Sticker {
        guard artist != .symbola else {
            // Drawn large, so that its strokes keep their places.
            guard let glyph = symbola.glyph(scalar, size: Double(min(256, max(32, 2 * side)))),
                let sticker = Sticker(glyph, colour: ink)
            else { throw FontError.face(path: symbola.path, reason: "it has no U+\(Self.hex(scalar))") }
            return sticker.resized(side: side)
        }
        let key = artist.rawValue + Self.hex(scalar)
        let native = try kept[key] ?? (artist == .noto ? coloured(scalar) : image(scalar))
        kept[key] = native
        return native.resized(side: side)
    }

    private static func hex(_ scalar: Unicode.Scalar) -> String { String(scalar.value, radix: 16, uppercase: true) }

    private func coloured(_ scalar: Unicode.Scalar) throws(FontError) -> Sticker {
        var glyph = apus_glyph()
        guard apus_colour_face_draw(noto, scalar.value, &glyph) == 0, let pixels = glyph.coverage, glyph.width > 0,
            glyph.height > 0
        else {
            throw .face(path: Self.paths(in: folder)[0], reason: "it has no U+\(Self.hex(scalar))")
        }
        let (width, height) = (Int(glyph.width), Int(glyph.height))
        let bytes = UnsafeBufferPointer(start: pixels, count: 4 * width * height)
        var swapped: [UInt8] = []
        swapped.reserveCapacity(bytes.count)
        // Blue comes first.
        for first in stride(from: 0, to: bytes.count, by: 4) {
            for offset in [2, 1, 0, 3] { swapped.append(bytes[first + offset]) }
        }
        return Sticker(width: width, height: height, pixels: swapped)
    }

    private func image(_ scalar: Unicode.Scalar) throws -> Sticker {
        let path = "\(folder)/\(Self.hex(scalar)).png"
        guard let data = FileManager.default.contents(atPath: path) else { throw FontError.missing(path: path) }
        return Sticker(try ImageFile.decode([UInt8](data)).rgb)
    }
}
