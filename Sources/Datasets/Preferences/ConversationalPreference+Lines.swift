public import Foundation
import Images

extension ConversationalPreference {
    /// Writes every pair of `records` as `pairs.jsonl` into the folder at `path`, and each picture beside it as
    /// `images/NAME.png` or `.jpg`; `file` gives a picture's file. Answers of the same text, of which one was cut, are no pair to
    /// somebody who reads texts.
    ///
    /// - Returns: how many pairs were written.
    @discardableResult
    public static func write(
        _ records: [PreferenceRecord], into path: String, file: (PictureReference) throws -> [UInt8]
    ) throws -> Int {
        let folder = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(
            at: folder.appending(path: "images"), withIntermediateDirectories: true)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var written: [PictureReference: String] = [:]
        var lines = Data()
        var count = 0
        for record in records {
            if let picture = record.picture, written[picture] == nil {
                let bytes = try file(picture)
                let ending = try ImageFormat(of: bytes).fileExtension
                let image = "images/\("\(picture)".replacing("/", with: "-")).\(ending)"
                try Data(bytes).write(to: folder.appending(path: image), options: .atomic)
                written[picture] = image
            }
            let image = record.picture.flatMap { written[$0] }
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
    ///   - keep: keeps the image file of the given path and tells its reference.
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
