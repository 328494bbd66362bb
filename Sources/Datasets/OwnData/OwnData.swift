import Foundation
import Support

/// A user's own data: the examples of a file or folder, and the lines that cannot be used.
///
/// A file is JSON lines (OpenAI's, TRL's or LLaVA's fields, line by line), LLaVA's JSON array, or a CSV table; its
/// first bytes decide. A folder stands for the files `*.csv`, `*.jsonl` and `*.json` in it. Images are data URLs, or
/// paths relative to the file's folder that stay in it.
public struct OwnData: Sendable {
    /// Upper bound on a file's bytes.
    public static let maximumFile = 512 << 20
    /// Upper bound on the bytes of a line, or of an element of a JSON array.
    public static let maximumLine = 64 << 20

    /// The files that were read.
    public private(set) var files: [String] = []
    /// The examples, in the files' order.
    public private(set) var examples: [OwnExample] = []
    /// The lines that cannot be used.
    public private(set) var faults: [OwnDataFault] = []

    /// Reads a file, or all files of a folder.
    ///
    /// - Throws: `OwnDataError` if the path is neither, or is a file that cannot be read at all. Bad lines are no error
    ///   here, and neither are bad files among others in a folder: both are in `faults`.
    public init(path: String) throws(OwnDataError) {
        let all = try Self.files(at: path)
        for file in all {
            let bytes: [UInt8]
            do { bytes = try OwnFile.read(file, limit: Self.maximumFile, line: Self.maximumLine) } catch {
                if all == [path] { throw .unusable(path: file, reason: error.reason) }
                faults.append(OwnDataFault(source: .init(file: file, line: 1), reason: error.reason))
                continue
            }
            files.append(file)
            read(bytes, file: file)
        }
    }

    /// The examples of `path`.
    ///
    /// - Throws: `OwnDataError.badLines` if a line cannot be used, or the errors of `init(path:)`.
    public static func examples(at path: String) throws(OwnDataError) -> [OwnExample] {
        let data = try OwnData(path: path)
        guard data.faults.isEmpty else {
            throw .badLines(first: Array(data.faults.prefix(5)), count: data.faults.count)
        }
        return data.examples
    }

    /// The files that `path` stands for: itself, or the data files of a folder in the order of their names.
    ///
    /// - Throws: `OwnDataError.unusable` if there are none.
    public static func files(at path: String) throws(OwnDataError) -> [String] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw .unusable(path: path, reason: "there is no such file or folder")
        }
        guard isFolder.boolValue else { return [path] }
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: path) } catch {
            throw .unusable(path: path, reason: "the folder cannot be listed: \(error.localizedDescription)")
        }
        let wanted = names.filter { name in
            [".csv", ".jsonl", ".json"].contains { name.hasSuffix($0) } && !name.hasPrefix(".")
        }
        guard !wanted.isEmpty else {
            throw .unusable(
                path: path, reason: "the folder has no *.csv, *.jsonl or *.json file that names its images")
        }
        return wanted.sorted().map { path.hasSuffix("/") ? path + $0 : "\(path)/\($0)" }
    }

    private mutating func read(_ bytes: [UInt8], file: String) {
        var images = OwnImageReader(folder: URL(fileURLWithPath: file).deletingLastPathComponent().path)
        let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        switch bytes[start...].first(where: { !Self.isSpace($0) }) {
        case nil: faults.append(OwnDataFault(source: .init(file: file, line: 1), reason: "the file is empty"))
        case UInt8(ascii: "["): readArray(bytes, from: start, file: file, images: &images)
        case UInt8(ascii: "{"): readLines(bytes, from: start, file: file, images: &images)
        default: readTable(bytes, from: start, file: file, images: &images)
        }
    }

    // MARK: JSON

    private mutating func readLines(
        _ bytes: [UInt8], from start: Int, file: String, images: inout OwnImageReader
    ) {
        var line = 0
        for piece in bytes[start...].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            line += 1
            if piece.allSatisfy(Self.isSpace) { continue }
            read(object: piece, source: .init(file: file, line: line), images: &images)
        }
    }

    private mutating func readArray(
        _ bytes: [UInt8], from start: Int, file: String, images: inout OwnImageReader
    ) {
        var scanner = JSONArrayScanner(bytes, from: start)
        while let (line, element) = scanner.next() {
            read(object: bytes[element], source: .init(file: file, line: line), images: &images)
        }
        if let reason = scanner.fault {
            faults.append(OwnDataFault(source: .init(file: file, line: scanner.line), reason: reason))
        }
    }

    private mutating func read(
        object bytes: ArraySlice<UInt8>, source: OwnExample.Source, images: inout OwnImageReader
    ) {
        do throws(OwnFieldFault) {
            guard bytes.count <= Self.maximumLine else {
                throw OwnFieldFault("\(bytes.count) bytes, expected at most \(Self.maximumLine)")
            }
            let value: JSON
            do { value = try JSON.parse([UInt8](bytes)) } catch { throw OwnFieldFault("no JSON: \(error)") }
            examples += try Self.examples(in: value, source: source, images: &images)
        } catch {
            faults.append(OwnDataFault(source: source, reason: error.reason))
        }
    }

    private static func examples(
        in value: JSON, source: OwnExample.Source, images: inout OwnImageReader
    ) throws(OwnFieldFault) -> [OwnExample] {
        var fields = try OwnFields(value, at: "")
        if fields.has("chosen") || fields.has("rejected") {
            throw OwnFieldFault("chosen: this is a ranking; read it with `apus feedback import --format pairs`")
        }
        if fields.has("messages") { return try OwnOpenAIFormat.examples(&fields, source: source, images: &images) }
        if fields.has("prompt") { return try OwnTRLFormat.examples(&fields, source: source, images: &images) }
        if fields.has("conversations") { return try OwnLLaVAFormat.examples(&fields, source: source, images: &images) }
        throw OwnFieldFault("expected one of the fields messages, prompt and conversations")
    }

    // MARK: Tables

    private mutating func readTable(
        _ bytes: [UInt8], from start: Int, file: String, images: inout OwnImageReader
    ) {
        var rows = CSVReader(bytes, from: start)
        var header: OwnCSVFormat.Header?
        while let row = rows.next() {
            let line: Int
            do {
                line = try row.map(\.line).get()
                let row = try row.get()
                let source = OwnExample.Source(file: file, line: line)
                do {
                    if let header {
                        examples.append(
                            try OwnCSVFormat.example(row, header: header, source: source, images: &images))
                    } else {
                        header = try OwnCSVFormat.Header(row)
                    }
                } catch {
                    faults.append(OwnDataFault(source: source, reason: error.reason))
                }
            } catch {
                faults.append(OwnDataFault(source: .init(file: file, line: error.line), reason: error.reason))
            }
            // Without the names of the columns every further row would be a fault.
            if header == nil { return }
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || (0x09...0x0D).contains(byte)
    }
}

/// Finds the elements of a JSON array by its brackets and strings, so that each is parsed by itself and a bad one does
/// not hide the others.
struct JSONArrayScanner {
    /// What is wrong with the array as a whole; nil so far.
    private(set) var fault: String?
    /// The line of the byte that is read next, counted from 1.
    private(set) var line = 1
    private let bytes: [UInt8]
    private var index: Int
    private var isFirst = true

    /// A scanner of the array that begins at or behind `start`.
    init(_ bytes: [UInt8], from start: Int) {
        self.bytes = bytes
        index = start
        skipSpaces()
        index += 1
    }

    /// The next element and the line at which it begins; nil at the end of the array, or at a fault.
    mutating func next() -> (line: Int, element: Range<Int>)? {
        guard fault == nil else { return nil }
        skipSpaces()
        guard index < bytes.count else { return fail("the array has no end") }
        if bytes[index] == UInt8(ascii: "]") { return end() }
        if !isFirst {
            guard bytes[index] == UInt8(ascii: ",") else { return fail("expected a comma or ] behind an element") }
            index += 1
            skipSpaces()
        }
        isFirst = false
        let (start, first) = (line, index)
        guard skipElement() else { return fail("an element without end, which began in line \(start)") }
        guard index > first else { return fail("expected an element") }
        return (start, first..<index)
    }

    private mutating func end() -> (line: Int, element: Range<Int>)? {
        index += 1
        skipSpaces()
        return index == bytes.count ? nil : fail("text behind the array")
    }

    private mutating func fail(_ reason: String) -> (line: Int, element: Range<Int>)? {
        fault = reason
        return nil
    }

    /// Skips an object or array with all in it, or a single value. Returns false if it has no end.
    private mutating func skipElement() -> Bool {
        var depth = 0
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\""): guard skipString() else { return false }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                index += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ","):
                if depth == 0 { return true }
                if byte != UInt8(ascii: ",") { depth -= 1 }
                index += 1
                if depth == 0 { return true }
            default:
                if byte == UInt8(ascii: "\n") { line += 1 }
                index += 1
            }
        }
        return false
    }

    private mutating func skipString() -> Bool {
        index += 1
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                index += 1
                return true
            case UInt8(ascii: "\\"): index += 2
            case UInt8(ascii: "\n"):
                line += 1
                index += 1
            default: index += 1
            }
        }
        return false
    }

    private mutating func skipSpaces() {
        while index < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[index]) {
            if bytes[index] == 0x0A { line += 1 }
            index += 1
        }
    }
}
