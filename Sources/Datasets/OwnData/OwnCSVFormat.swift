import Foundation
import Tokenizers

/// A table of images with questions and answers: comma-separated values with quotes (RFC 4180). The first row names the
/// columns: `image` (or `file_name`, as in metadata of Hugging Face's image folders), `question`, and if wanted
/// `answer` and `split`.
enum OwnCSVFormat {
    private static let columns: Set<String> = ["image", "question", "answer", "split"]

    /// The positions of the columns in a row.
    struct Header {
        fileprivate let names: [String]

        init(_ row: CSVReader.Row) throws(OwnFieldFault) {
            var names: [String] = []
            for cell in row.cells {
                let name = cell.trimmingCharacters(in: .whitespaces)
                let column = name == "file_name" ? "image" : name
                guard OwnCSVFormat.columns.contains(column) else {
                    throw OwnFieldFault(
                        "the column \(name.prefix(40)) is not known; the first row names image, question, answer and "
                            + "split, with commas between them")
                }
                guard !names.contains(column) else { throw OwnFieldFault("the column \(name) is there twice") }
                names.append(column)
            }
            for column in ["image", "question"] where !names.contains(column) {
                throw OwnFieldFault("the first row names no column \(column)")
            }
            self.names = names
        }
    }

    static func example(
        _ row: CSVReader.Row, header: Header, source: OwnExample.Source, images: inout OwnImageReader
    ) throws(OwnFieldFault) -> OwnExample {
        guard row.cells.count == header.names.count else {
            throw OwnFieldFault("expected \(header.names.count) cells, found \(row.cells.count)")
        }
        let cells = Dictionary(uniqueKeysWithValues: zip(header.names, row.cells))
        let question = cells["question"] ?? ""
        guard !question.allSatisfy(\.isWhitespace) else { throw OwnFieldFault("question: the cell is empty") }
        let answer = (cells["answer"] ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
        let split = cells["split"] ?? ""
        let image = try images.image(named: cells["image"] ?? "", field: "image")
        return OwnExample(
            messages: [ChatMessage(role: .user, content: [.image(0), .text(question)])], images: [image],
            answer: answer.isEmpty ? nil : answer, split: split.isEmpty ? nil : try OwnExample.Split(named: split),
            source: source)
    }
}

/// Reads rows of comma-separated values. A quoted cell may contain commas, line ends, and quotes written twice.
struct CSVReader {
    /// A row with the line at which it begins.
    struct Row {
        let line: Int
        var cells: [String]
    }

    /// Upper bound on the bytes of one row.
    static let maximumRow = 1 << 16

    private let bytes: [UInt8]
    private var index: Int
    private var line = 1

    init(_ bytes: [UInt8], from start: Int = 0) {
        self.bytes = bytes
        index = start
    }

    /// The next row that is not empty, or what is wrong with it; nil at the end. After a fault reading goes on with the
    /// next line.
    mutating func next() -> Result<Row, Fault>? {
        while index < bytes.count, Self.isLineEnd(bytes[index]) { endLine() }
        guard index < bytes.count else { return nil }
        let (start, first) = (line, index)
        do { return .success(try row()) } catch {
            (line, index) = (start, first)
            while index < bytes.count, !Self.isLineEnd(bytes[index]) { index += 1 }
            endLine()
            return .failure(Fault(line: start, reason: error.reason))
        }
    }

    /// A fault with its line.
    struct Fault: Error {
        let line: Int
        let reason: String
    }

    private mutating func row() throws(OwnFieldFault) -> Row {
        var row = Row(line: line, cells: [])
        let start = index
        while true {
            row.cells.append(try cell(of: start))
            guard index < bytes.count, bytes[index] == UInt8(ascii: ",") else { break }
            index += 1
        }
        endLine()
        return row
    }

    private mutating func cell(of start: Int) throws(OwnFieldFault) -> String {
        guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else {
            let first = index
            while index < bytes.count, bytes[index] != UInt8(ascii: ","), !Self.isLineEnd(bytes[index]) {
                guard bytes[index] != UInt8(ascii: "\"") else {
                    throw OwnFieldFault(
                        "a quote inside a cell without quotes; put the cell in quotes and write it twice")
                }
                index += 1
                guard index - start <= Self.maximumRow else { throw tooLong() }
            }
            return try text(bytes[first..<index], start)
        }
        index += 1
        var content: [UInt8] = []
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                index += 1
                guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else {
                    let isEnd =
                        index == bytes.count || bytes[index] == UInt8(ascii: ",") || Self.isLineEnd(bytes[index])
                    guard isEnd else { throw OwnFieldFault("text behind a closing quote") }
                    return try text(content[...], start)
                }
            } else if byte == UInt8(ascii: "\n") {
                line += 1
            }
            content.append(byte)
            index += 1
            guard index - start <= Self.maximumRow else { throw tooLong() }
        }
        throw OwnFieldFault("a quote that is not closed")
    }

    private func text(_ bytes: ArraySlice<UInt8>, _ start: Int) throws(OwnFieldFault) -> String {
        guard index - start <= Self.maximumRow else { throw tooLong() }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw OwnFieldFault("text that is not UTF-8") }
        return text
    }

    private func tooLong() -> OwnFieldFault { OwnFieldFault("a row of more than \(Self.maximumRow) bytes") }

    private mutating func endLine() {
        guard index < bytes.count else { return }
        let byte = bytes[index]
        index += 1
        if byte == UInt8(ascii: "\r"), index < bytes.count, bytes[index] == UInt8(ascii: "\n") { index += 1 }
        line += 1
    }

    private static func isLineEnd(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }
}
