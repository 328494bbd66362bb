public import Foundation
import Images

extension ConversationalPreference {
    /// Writes every pair of `records` as `pairs.jsonl` into the folder at `path`, and each image beside it as
    /// `images/NAME.png` or `.jpg`; `file` gives an image's file. Answers of the same text, of which one was cut, are
    /// no pair to somebody who reads texts.
    ///
    /// - Returns: how many pairs were written.
    @discardableResult
    public static func write(
        _ records: [PreferenceRecord], into path: String, file: (PreferenceImage) throws -> [UInt8]
    ) throws -> Int {
        let folder = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(
            at: folder.appending(path: "images"), withIntermediateDirectories: true)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var written: [PreferenceImage: String] = [:]
        var lines = Data()
        var count = 0
        for record in records {
            if let image = record.image, written[image] == nil {
                let bytes = try file(image)
                let ending = try ImageFormat(of: bytes).fileExtension
                let name = "images/\("\(image)".replacing("/", with: "-")).\(ending)"
                try Data(bytes).write(to: folder.appending(path: name), options: .atomic)
                written[image] = name
            }
            let image = record.image.flatMap { written[$0] }
            let texts = record.completions.map(\.text)
            for pair in record.pairs where !texts[pair.chosen].hasBytes(of: texts[pair.rejected]) {
                lines += try encoder.encode(ConversationalPreference(record, pair, image: image))
                lines.append(UInt8(ascii: "\n"))
                count += 1
            }
        }
        try lines.write(to: folder.appending(path: "pairs.jsonl"), options: .atomic)
        return count
    }

    /// The pairs of a JSON lines file as rankings of two answers, each with the number of its line, counted from 1.
    ///
    /// - Parameters:
    ///   - labeler: who ranked where a line does not say it.
    ///   - keep: keeps an image file and tells its reference.
    /// - Throws: `PreferenceError` naming the file, the line and the field.
    public static func load(
        path: String, labeler: PreferenceRecord.Labeler, keep: (Data) throws -> PreferenceImage
    ) throws(PreferenceError) -> [(line: Int, record: PreferenceRecord)] {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        return try PreferenceLines.load(ConversationalPreference.self, path: path) { pair in
            let image = try pair.images?.first.map { name in
                do {
                    return try keep(imageFile(name, in: folder))
                } catch let error as ConversationalPreferenceError {
                    throw error
                } catch {
                    throw ConversationalPreferenceError.badImage(name, reason: "\(error)")
                }
            }
            return try pair.record(image: image, fallback: labeler)
        }
        .map { (line: $0.line, record: $0.value) }
    }

    /// The bytes of the image file `name`, which must lie in `folder`: a line of somebody else's file may name no other
    /// file of this machine.
    private static func imageFile(_ name: String, in folder: URL) throws(ConversationalPreferenceError) -> Data {
        let root = folder.resolvingSymlinksInPath().standardizedFileURL.path
        let file = folder.appending(path: name).resolvingSymlinksInPath().standardizedFileURL
        guard !name.hasPrefix("/"), file.path.hasPrefix(root == "/" ? root : root + "/") else {
            throw .badImage(name, reason: "it lies outside the folder of the file that names it")
        }
        let attributes = try? FileManager.default.attributesOfItem(atPath: file.path)
        guard attributes?[.type] as? FileAttributeType == .typeRegular else {
            throw .badImage(name, reason: "there is no such file")
        }
        let limit = ImageLimits.standard.maximumBytes
        guard let size = attributes?[.size] as? Int, size <= limit else {
            throw .badImage(name, reason: "it has more than \(limit) bytes")
        }
        guard let data = FileManager.default.contents(atPath: file.path) else {
            throw .badImage(name, reason: "it cannot be read")
        }
        return data
    }
}
