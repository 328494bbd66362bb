public import Foundation

extension ConversationalPreference {
    /// Writes every pair of `records` as `pairs.jsonl` into the folder at `path`, and each picture beside it as
    /// `images/NAME.png`; `png` gives a picture's file. Answers of the same text, of which one was cut, are no pair to
    /// somebody who reads texts.
    ///
    /// - Returns: how many pairs were written.
    @discardableResult
    public static func write(
        _ records: [PreferenceRecord], into path: String, png: (PictureReference) throws -> [UInt8]
    ) throws -> Int {
        let folder = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(
            at: folder.appending(path: "images"), withIntermediateDirectories: true)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var written: Set<PictureReference> = []
        var lines = Data()
        var count = 0
        for record in records {
            let image = record.picture.map { "images/\("\($0)".replacing("/", with: "-")).png" }
            if let picture = record.picture, let image, written.insert(picture).inserted {
                try Data(png(picture)).write(to: folder.appending(path: image), options: .atomic)
            }
            let texts = record.candidates.map(\.text)
            for pair in record.pairs where texts[pair.chosen] != texts[pair.rejected] {
                lines += try encoder.encode(ConversationalPreference(record, pair, image: image))
                lines.append(UInt8(ascii: "\n"))
                count += 1
            }
        }
        try lines.write(to: folder.appending(path: "pairs.jsonl"), options: .atomic)
        return count
    }

    /// The pairs of a JSON lines file as rankings of two answers.
    ///
    /// - Parameters:
    ///   - labeler: who ranked where a line does not say it.
    ///   - keep: keeps the PNG file of the given path and tells its reference.
    /// - Throws: `PreferenceError` naming the file and the line.
    public static func load(
        path: String, labeler: PreferenceRecord.Labeler, keep: (URL) throws -> PictureReference
    ) throws(PreferenceError) -> [PreferenceRecord] {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        return try PreferenceLines.load(path: path) { line, decoder in
            let pair = try decoder.decode(ConversationalPreference.self, from: line)
            let picture = try pair.images?.first.map { try keep(folder.appending(path: $0)) }
            return try pair.record(picture: picture, fallback: labeler)
        }
    }
}
