import Checkpoints
public import Datasets
import Foundation
import Synchronization
import Typography

/// Draws pages of text and documents on any thread.
///
/// Opened fonts belong to one thread at a time; each keeps the glyphs that it has drawn.
package final class Artist: Sendable {
    /// What one thread draws with.
    // Unchecked: the thread that took it out of `idle` uses it alone.
    private struct Tools: @unchecked Swift.Sendable {
        let fonts: OpenFonts
        let studio: DocumentStudio
    }

    private let collection: FontCollection
    private let words: WordList
    private let idle = Mutex<[Tools]>([])

    /// An artist with these materials.
    ///
    /// - Throws: `FontError`, or the word list's error, if a file is missing or damaged.
    package init(_ materials: DrawingMaterials) throws {
        collection = try FontCollection(folder: materials.fonts)
        words = try WordList(path: materials.words)
        // A damaged file is found now and not in the middle of a run.
        give(try tools())
    }

    /// The page of `seed`, whose split decides its fonts and words.
    package func page(_ seed: UInt64) throws -> TextPage {
        try draw { try TextPage(seed: seed, fonts: $0.fonts, words: words) }
    }

    /// The document of `seed`, whose split decides its fonts, words, layouts and wordings.
    package func document(_ family: DocumentFamily, seed: UInt64) throws -> Document {
        try draw { family.document(seed: seed, from: $0.studio) }
    }

    private func draw<Drawn>(_ body: (Tools) throws -> Drawn) throws -> Drawn {
        let mine = try idle.withLock { $0.popLast() } ?? tools()
        defer { give(mine) }
        return try body(mine)
    }

    private func tools() throws -> Tools {
        let fonts = try OpenFonts(collection)
        return Tools(fonts: fonts, studio: try DocumentStudio(fonts: fonts, words: words))
    }

    private func give(_ tools: Tools) { idle.withLock { $0.append(tools) } }
}

extension ImageGenerator {
    /// A generator that opens `materials` when it draws its first document.
    public static func drawingDocuments(with materials: DrawingMaterials) -> ImageGenerator {
        let opened = Mutex<Artist?>(nil)
        return ImageGenerator { family, seed in
            let artist = try opened.withLock { known in
                let artist = try known ?? Artist(materials)
                known = artist
                return artist
            }
            return try artist.document(family, seed: seed)
        }
    }
}

/// The fonts and words to draw with.
public struct DrawingMaterials: Sendable, Equatable {
    /// The folder of the fonts.
    public let fonts: String
    /// The file of the words.
    public let words: String

    /// The given folder and file.
    public init(fonts: String, words: String) {
        self.fonts = fonts
        self.words = words
    }

    /// The digest of the words, and of the names and digests of all fonts together; with documents also of the
    /// pictograms that training sees.
    func digests(forDocuments: Bool) throws -> [String: FileDigest] {
        var digests = [
            "words": try FileDigest(path: words), "fonts": try digest(of: FontCollection(folder: fonts).paths),
        ]
        if forDocuments { digests["pictograms"] = try digest(of: OpenPictograms.paths(in: fonts + "/pictograms")) }
        return digests
    }

    private func digest(of paths: [String]) throws -> FileDigest {
        var (lines, bytes) = ("", 0)
        for path in paths {
            let digest = try FileDigest(path: path)
            lines += "\(digest.sha256) \(URL(fileURLWithPath: path).lastPathComponent)\n"
            bytes += digest.bytes
        }
        return FileDigest(sha256: FileDigest.sha256(of: lines), bytes: bytes)
    }
}
