import Datasets
import Foundation
import Images

/// A temporary folder with files of own data.
struct OwnDataFolder {
    let url: URL

    /// Calls `body` with an empty folder, and deletes it afterwards.
    static func with(_ body: (OwnDataFolder) throws -> Void) throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("own-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        try body(OwnDataFolder(url: url))
    }

    /// A PNG of one colour, whose red is `level`.
    static func png(_ level: UInt8, side: Int = 4) -> [UInt8] {
        ImageFile.encode(RGBImage(width: side, height: side, red: level, green: 90, blue: 30))
    }

    /// The PNG as a data URL.
    static func dataURL(_ level: UInt8) -> String {
        "data:image/png;base64," + Data(png(level)).base64EncodedString()
    }

    /// Writes images of one colour as `0.png`, `1.png` and so on.
    func images(_ count: Int) throws {
        for level in 0..<count { try file("\(level).png", bytes: Self.png(UInt8(level))) }
    }

    func file(_ name: String, bytes: [UInt8]) throws {
        let path = url.appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: path)
    }

    /// Reads `text` as a file of that name.
    func read(_ text: String, name: String = "data.jsonl") throws -> OwnData {
        try file(name, bytes: Array(text.utf8))
        return try OwnData(path: path(name))
    }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    /// The reasons of the faults in `text`.
    func reasons(_ text: String, name: String = "data.jsonl") throws -> [String] {
        try read(text, name: name).faults.map { "\($0.source.line): \($0.reason)" }
    }
}
