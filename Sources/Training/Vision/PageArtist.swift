import Checkpoints
package import Datasets
import Foundation
import Images
import Synchronization
import Typography

/// Draws pages of text on any thread.
///
/// Opened fonts belong to one thread at a time; each keeps the glyphs that it has drawn.
package final class PageArtist: Sendable {
    /// The folder of the fonts and the file of the words that pages are drawn with.
    package struct Sources: Sendable {
        /// The folder of the fonts.
        package let fonts: String
        /// The file of the words.
        package let words: String

        /// The given folder and file.
        package init(fonts: String, words: String) {
            self.fonts = fonts
            self.words = words
        }

        /// The SHA-256 of the words, and of all fonts together.
        package func digests() throws -> [String: String] {
            let paths = try FontCollection(folder: fonts).paths
            let lines = try paths.map { "\(URL(fileURLWithPath: $0).lastPathComponent) \(try FileDigest(path: $0).sha256)" }
            return [
                "words": try FileDigest(path: words).sha256,
                "fonts": FileDigest.sha256(of: lines.joined(separator: "\n")),
            ]
        }
    }

    private let collection: FontCollection
    private let words: WordList
    private let idle = Mutex<[Fonts]>([])

    // Unchecked: fonts are used by whoever took them out of `idle`, alone.
    private struct Fonts: @unchecked Swift.Sendable {
        let opened: OpenFonts
    }

    /// An artist with these fonts and words.
    ///
    /// - Throws: `FontError`, and the word list's error, if a file is missing or damaged.
    package init(_ sources: Sources) throws {
        collection = try FontCollection(folder: sources.fonts)
        words = try WordList(path: sources.words)
        // A damaged font is found now and not in the middle of a run.
        let fonts = try OpenFonts(collection)
        for family in collection.families { for face in family.faces { _ = try fonts.face(face) } }
        give(Fonts(opened: fonts))
    }

    /// The page of `seed`, whose split decides its fonts and words.
    package func page(_ seed: UInt64) throws -> TextPage {
        let fonts = try take()
        defer { give(fonts) }
        return try TextPage(seed: seed, fonts: fonts.opened, words: words)
    }

    private func take() throws -> Fonts {
        if let fonts = idle.withLock({ $0.popLast() }) { return fonts }
        return Fonts(opened: try OpenFonts(collection))
    }

    private func give(_ fonts: Fonts) { idle.withLock { $0.append(fonts) } }
}
