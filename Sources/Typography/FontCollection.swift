#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The fonts that training draws text with: files of free families, in one folder.
package struct FontCollection: Sendable {
    /// The families, in the order of `FontFamily.table`.
    package let families: [FontFamily]
    /// The folder of the files.
    package let folder: String

    /// The collection in `folder`, where `make fonts` puts it. Throws `FontError.missing` if a file is not there.
    package init(folder: String) throws(FontError) {
        try self.init(folder: folder, families: FontFamily.table)
    }

    /// `families`, whose files are in `folder`. Throws `FontError.missing` if one is not there.
    package init(folder: String, families: [FontFamily]) throws(FontError) {
        self.folder = folder
        self.families = families
        for path in paths where access(path, R_OK) != 0 { throw .missing(path: path) }
    }

    /// The files of all faces, sorted: for a digest of what a run drew with.
    package var paths: [String] {
        families.flatMap { family in family.faces.map { path(of: $0) } }.sorted()
    }

    /// The file of a face.
    package func path(of face: FontFamily.Face) -> String { "\(folder)/\(face.file)" }

    /// The families of one side.
    package func families(of split: FontSplit) -> [FontFamily] { families.filter { $0.split == split } }
}

/// What a family is used for.
package enum FontSplit: String, Sendable, CaseIterable {
    /// Seen in training.
    case training
    /// Never seen in training: for tests.
    case heldOut
}

/// A typeface in several styles.
package struct FontFamily: Sendable {
    /// How letters look, roughly: it decides how often a family is drawn.
    package enum Kind: String, Sendable, CaseIterable {
        /// Without serifs.
        case sans
        /// With serifs.
        case serif
        /// All characters of one width.
        case mono
        /// Narrow.
        case condensed
        /// For headings, signs and posters.
        case display
        /// As written by hand.
        case hand
    }

    /// One style.
    package struct Face: Sendable, Equatable {
        /// Its name, for example `Bold Italic`.
        package let style: String
        /// The file's name in the folder.
        package let file: String

        /// The given face.
        package init(_ style: String, _ file: String) {
            self.style = style
            self.file = file
        }
    }

    /// Its name.
    package let name: String
    /// How its letters look.
    package let kind: Kind
    /// Who drew or published it.
    package let maker: String
    /// The licence of its files: SPDX, or a name.
    package let licence: String
    /// The Debian package that its files come from.
    package let package: String
    /// The design: families of one design differ so little that all of them must be on one side.
    package let design: String
    /// What it is used for.
    package let split: FontSplit
    /// Its styles.
    package let faces: [Face]

    /// The given family; its design is its own unless `design` names another.
    package init(
        _ name: String, _ kind: Kind, maker: String, licence: String, package: String, design: String? = nil,
        split: FontSplit = .training, faces: [Face]
    ) {
        self.name = name
        self.kind = kind
        self.maker = maker
        self.licence = licence
        self.package = package
        self.design = design ?? name
        self.split = split
        self.faces = faces
    }
}

/// The faces of a collection, opened when they are first asked for. For one thread.
package final class OpenFonts {
    /// The collection.
    package let collection: FontCollection
    /// FreeType.
    package let library: FontLibrary
    private var faces: [String: FontFace] = [:]

    /// The collection's faces. Throws `FontError.library` if FreeType is not there.
    package init(_ collection: FontCollection) throws(FontError) {
        self.collection = collection
        library = try FontLibrary()
    }

    /// The opened face. Throws `FontError.face` if its file is damaged.
    package func face(_ face: FontFamily.Face) throws(FontError) -> FontFace {
        let path = collection.path(of: face)
        if let opened = faces[path] { return opened }
        let opened = try FontFace(path: path, library: library)
        faces[path] = opened
        return opened
    }
}
