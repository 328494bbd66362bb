import Support
package import Typography

/// The fonts and words that documents are made with. For one thread, like the opened fonts.
package final class DocumentStudio {
    /// The faces of one family that have all characters of the samples.
    struct Family {
        let kind: FontFamily.Kind
        let faces: [(style: String, face: FontFace)]
    }

    private let training: [Family]
    private let heldOut: [Family]
    private let words: WordList
    private let pictograms: any PictogramSource

    /// Opens all faces of a collection. Throws `FontError` if a file is damaged, or if a side has no usable family, and
    /// what `pictograms` throws if it lacks one.
    package init(fonts: OpenFonts, words: WordList, pictograms: any PictogramSource) throws {
        self.pictograms = pictograms
        // A document cannot leave one out.
        for thing in Pictogram.all {
            for artist in PictogramArtist.allCases {
                _ = try pictograms.sticker(thing.scalar, by: artist, side: 32, ink: .black)
            }
        }
        training = try Self.families(.training, fonts)
        heldOut = try Self.families(.heldOut, fonts)
        self.words = words
        for (side, families) in [("training", training), ("held-out", heldOut)] where families.isEmpty {
            throw FontError.library("the collection has no usable \(side) family")
        }
    }

    /// Opens the fonts of a folder and the list of words in a file. Throws what either throws.
    package convenience init(fonts folder: String, words path: String) throws {
        try self.init(fonts: OpenFonts(FontCollection(folder: folder)), words: WordList(path: path))
    }

    /// Opens all faces of a collection, and the pictograms in its folder.
    package convenience init(fonts: OpenFonts, words: WordList) throws {
        let folder = fonts.collection.folder + "/pictograms"
        try self.init(
            fonts: fonts, words: words, pictograms: OpenPictograms(folder: folder, library: fonts.library))
    }

    /// A pictogram with its longer side of `side` pixels.
    func sticker(of thing: Pictogram, by artist: PictogramArtist, side: Int, ink: RGB) -> Sticker {
        do { return try pictograms.sticker(thing.scalar, by: artist, side: side, ink: ink) } catch {
            preconditionFailure("\(error)")
        }
    }

    private static func families(_ split: FontSplit, _ fonts: OpenFonts) throws(FontError) -> [Family] {
        var families: [Family] = []
        for family in fonts.collection.families(of: split) {
            var faces: [(style: String, face: FontFace)] = []
            for known in family.faces {
                let face = try fonts.face(known)
                guard TextSamples.alphabet.allSatisfy(face.covers) else { continue }
                // A document cannot leave out a character, so a damaged outline is found here.
                guard TextSamples.alphabet.allSatisfy({ face.glyph($0, size: 16) != nil }) else {
                    throw .face(path: face.path, reason: "a glyph of a printable ASCII character cannot be drawn")
                }
                faces.append((known.style, face))
            }
            if !faces.isEmpty { families.append(Family(kind: family.kind, faces: faces)) }
        }
        return families
    }

    /// Families of a split; only the test split sees the held-out ones.
    func families(_ split: SeedSplit, of kinds: Set<FontFamily.Kind>) -> [Family] {
        let all = split == .test ? heldOut : training
        let wanted = all.filter { kinds.contains($0.kind) }
        return wanted.isEmpty ? all : wanted
    }

    /// A word of a split, in small letters, capitals, or with one capital.
    func word(_ lengths: ClosedRange<Int>, _ split: SeedSplit, _ generator: inout SplitMix64) -> String {
        Self.cased(plainWord(lengths, split, &generator), generator.draw(0...9))
    }

    /// A word of a split in small letters.
    func plainWord(_ lengths: ClosedRange<Int>, _ split: SeedSplit, _ generator: inout SplitMix64) -> String {
        let side = words.side(of: split)
        for _ in 0..<100 {
            let word = generator.draw(from: generator.draw(0...3) == 0 ? side.frequent : side.words)
            if lengths.contains(word.utf8.count), !Self.looksAlikeInAnySize(word) { return word }
        }
        return side.words.first { lengths.contains($0.utf8.count) } ?? side.words[0]
    }

    /// Several different words with a capital first letter: names of goods, teams and the like that no list has.
    func names(_ count: Int, _ split: SeedSplit, _ generator: inout SplitMix64) -> [String] {
        var names: [String] = []
        while names.count < count {
            let name = plainWord(3...9, split, &generator).capitalizedFirst
            if !names.contains(name), !Self.isMisleading(name) { names.append(name) }
        }
        return names
    }

    /// Whether a name would be taken for a part of an answer: a colour, a number, a direction, yes or no.
    static func isMisleading(_ name: String) -> Bool { misleading.contains(name.lowercased()) }

    private static let misleading: Set<String> = Set(
        SceneColour.allCases.map(\.rawValue)
            + [
                "white", "grey", "violet", "yes", "no", "not", "none", "never", "nothing", "neither", "nor", "without",
                "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "hundred",
                "thousand", "up", "down", "left", "right", "top", "bottom", "middle", "flat", "higher", "lower", "true",
                "false", "than", "but", "and", "can", "cannot", "maybe", "half", "quarter", "while", "the",
                "total", "subtotal", "tax", "cash", "change",
            ])

    /// Four in ten in small letters, three with one capital, three in capitals.
    private static func cased(_ word: String, _ draw: Int) -> String {
        switch draw {
        case 0...3: word
        case 4...6: word.capitalizedFirst
        default: word.uppercased()
        }
    }

    /// Whether all letters have capitals of the same form, so that no reader knows which they are.
    private static func looksAlikeInAnySize(_ word: String) -> Bool {
        word.allSatisfy { "cosuvwxz".contains($0) }
    }

    /// Another word that looks like `word`: with one other letter, or another of about its length.
    func lookAlike(of word: String, _ split: SeedSplit, _ generator: inout SplitMix64) -> String {
        let isUpper = word == word.uppercased() && word != word.lowercased()
        var letters = Array(word.lowercased())
        var other = word.lowercased()
        while other == word.lowercased() {
            if generator.draw(0...1) == 0 {
                letters[generator.draw(0...letters.count - 1)] = generator.draw(from: Array("aceilmnorstu"))
                other = String(letters)
            } else {
                let length = max(2, letters.count - 1)...max(4, letters.count + 1)
                other = plainWord(length, split, &generator)
            }
        }
        if isUpper { return other.uppercased() }
        return word.first?.isUppercase == true ? other.capitalizedFirst : other
    }

    /// One line whose number of characters is in `lengths`: words, a sentence, a name with its value, rarely others.
    func line(_ lengths: ClosedRange<Int>, _ split: SeedSplit, _ generator: inout SplitMix64) -> String {
        let side = words.side(of: split)
        for _ in 0..<60 {
            let kind = generator.draw(from: Self.lineKinds)
            let text = Self.tidied(TextSamples.sample(kind, from: side, &generator))
            if lengths.contains(text.count) { return text }
        }
        var text = plainWord(3...9, split, &generator)
        while text.count < lengths.lowerBound { text += " " + plainWord(2...5, split, &generator) }
        return String(text.prefix(lengths.upperBound)).trimmingSuffix()
    }

    private static let lineKinds: [TextSamples.Kind] = [
        .words, .words, .words, .words, .sentence, .sentence, .sentence, .sentence, .field, .field, .address, .email,
        .program,
    ]

    /// `count` lines: in half of all cases one text that is broken into lines, otherwise lines of their own.
    func lines(
        _ count: Int, _ lengths: ClosedRange<Int>, _ split: SeedSplit, _ generator: inout SplitMix64
    ) -> [String] {
        guard generator.draw(0...1) == 0 else {
            return (0..<count).map { _ in line(lengths, split, &generator) }
        }
        let width = generator.draw(max(14, lengths.lowerBound)...lengths.upperBound)
        let side = words.side(of: split)
        var lines: [String] = []
        var current = ""
        while lines.count < count {
            let text = Self.tidied(TextSamples.sample(.sentence, from: side, &generator))
            for word in text.split(separator: " ") {
                if !current.isEmpty, current.count + word.count + 1 > width {
                    lines.append(current)
                    current = ""
                }
                current += (current.isEmpty ? "" : " ") + word
            }
        }
        return Array(lines.prefix(count))
    }

    /// A value of one kind, as text.
    func sample(_ kind: TextSamples.Kind, _ split: SeedSplit, _ generator: inout SplitMix64) -> String {
        Self.tidied(TextSamples.sample(kind, from: words.side(of: split), &generator))
    }

    /// With single spaces, and none at the ends.
    private static func tidied(_ text: String) -> String {
        text.split(separator: " ").joined(separator: " ")
    }
}

extension String {
    /// Without spaces at the end.
    fileprivate func trimmingSuffix() -> String {
        String(reversed().trimmingPrefix(" ").reversed())
    }
}

/// The faces that one document is written in.
struct DocumentFonts {
    /// A regular face.
    private let plain: FontFace
    /// A bold face, or the regular one made bolder.
    private let heavy: FontFace
    private let emboldens: Bool
    /// Any face of the family.
    private let any: FontFace
    private let hinting: GlyphStyle.Hinting

    /// Faces of one family that is drawn at random.
    init(_ family: DocumentStudio.Family, _ generator: inout SplitMix64) {
        let faces = family.faces
        let upright = faces.filter { !$0.style.contains("Italic") && !$0.style.contains("Oblique") }
        let regular = upright.filter { !$0.style.contains("Bold") && !$0.style.contains("Black") }
        let bold = upright.filter { $0.style.contains("Bold") }
        let first = (regular.first ?? upright.first ?? faces[0]).face
        plain = first
        heavy = bold.first?.face ?? first
        emboldens = bold.isEmpty
        any = generator.draw(from: faces).face
        hinting = generator.draw(from: [.light, .light, .light, .none, .none, .normal])
    }

    /// The regular face.
    func regular(_ size: Double) -> Lettering { Lettering(face: plain, size: size, style: .init(hinting: hinting)) }

    /// The bold face.
    func bold(_ size: Double) -> Lettering {
        Lettering(
            face: heavy, size: size,
            style: GlyphStyle(hinting: hinting, embolden: emboldens ? min(1.5, size / 24) : 0))
    }

    /// Any face of the family.
    func any(_ size: Double, _ generator: inout SplitMix64) -> Lettering {
        let spacing = generator.draw(0...9) == 0 ? Double(generator.draw(1...4)) / 2 : 0
        return Lettering(face: any, size: size, style: .init(hinting: hinting), spacing: spacing)
    }
}

extension DocumentPage {
    /// Which families a document may be written in.
    enum FontChoice {
        /// All.
        case any
        /// Those of screens and offices.
        case office
        /// Those with serifs or without, or with characters of one width: receipts and tables.
        case printer

        var kinds: Set<FontFamily.Kind> {
            switch self {
            case .any: [.sans, .serif, .mono, .condensed, .display, .hand]
            case .office: [.sans, .serif, .condensed]
            case .printer: [.sans, .serif, .mono]
            }
        }
    }

    /// The faces of a family of the split.
    mutating func fonts(_ choice: FontChoice) -> DocumentFonts {
        DocumentFonts(generator.draw(from: studio.families(split, of: choice.kinds)), &generator)
    }

    /// A text of all sorts.
    mutating func word(_ lengths: ClosedRange<Int>) -> String { studio.word(lengths, split, &generator) }

    /// Different names: from `list`, or of words that no list has.
    mutating func names(_ count: Int, _ list: DocumentVocabulary) -> [String] {
        let listed = list.draw(count, split, &generator)
        guard generator.draw(0...9) < 6, listed.count == count else {
            return studio.names(count, split, &generator)
        }
        return listed
    }
}
