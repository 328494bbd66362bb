import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing

/// Files that lie or are damaged: each gives an error or a value, within memory that the file's own size bounds.
@Suite struct HostileGGUFTests {
    private static func sample() -> GGUFWriter {
        var writer = GGUFWriter()
        writer.add("name", .string("tiny"))
        writer.add("tokens", .array([.string("a"), .string("bc")]))
        writer.add("nested", .array([.array([.bool(true)]), .array([.float64(1)])]))
        writer.addTensor("weights", shape: [2, 2], [1, 2, 3, 4])
        writer.addTensor("blocks", shape: [1, 32], ggmlType: 2, bytes: Array(repeating: 7, count: 18))
        return writer
    }

    /// Opens the file and reads every tensor; false if it is refused.
    private func reads(_ bytes: [UInt8], in folder: URL) throws -> Bool {
        // A new file each time: to shorten one makes some file systems flush it.
        let path = folder.appendingPathComponent(UUID().uuidString).path
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        do {
            let file = try GGUFFile(path: path)
            for name in file.tensors.keys { #expect(try file.float(name).count > 0) }
            return true
        } catch {
            return false
        }
    }

    @Test func everyPrefixIsRefused() throws {
        try withTemporaryFolder { folder throws in
            let whole = try Self.sample().bytes()
            #expect(try reads(whole, in: folder))
            // The last tensor's padding is not needed.
            let needed = whole.count - (32 - 18)
            for length in 0..<needed { #expect(try !reads(Array(whole[..<length]), in: folder), "\(length) bytes") }
            #expect(try reads(Array(whole[..<needed]), in: folder))
        }
    }

    @Test func everyFlippedByteIsSurvived() throws {
        try withTemporaryFolder { folder throws in
            let whole = try Self.sample().bytes()
            var refused = 0
            for position in whole.indices {
                for mask: UInt8 in [0x01, 0x08, 0x80, 0xFF] {
                    var bytes = whole
                    bytes[position] ^= mask
                    if try !reads(bytes, in: folder) { refused += 1 }
                }
            }
            #expect(refused > whole.count, "most of the header is checked")
        }
    }

    /// The sample with 8 bytes replaced by `value` at `offset` after the first occurrence of `text`.
    private func patched(_ text: String, _ offset: Int, _ value: UInt64) throws -> [UInt8] {
        var bytes = try Self.sample().bytes()
        let found = try #require(bytes.indices.first { bytes[$0...].starts(with: text.utf8) })
        let start = found + text.utf8.count + offset
        bytes.replaceSubrange(start..<start + 8, with: withUnsafeBytes(of: value.littleEndian, Array.init))
        return bytes
    }

    private func error(_ bytes: [UInt8]) throws -> FileFault? {
        try withTemporaryFolder { folder throws in
            let path = folder.appendingPathComponent("lie.gguf").path
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            let error = #expect(throws: GGUFError.self) { try GGUFFile(path: path) }
            guard case .malformed(_, let fault) = error else { return nil }
            return fault
        }
    }

    @Test(arguments: [UInt64.max, 1 << 63, 1 << 62, 1 << 40, 1 << 20])
    func countsThatLieAreRefused(value: UInt64) throws {
        let lies: [(field: String, text: String, offset: Int)] = [
            ("tensor count", "GGUF", 4), ("metadata count", "GGUF", 12), ("metadata key", "GGUF", 20),
            ("name", "name", 4), ("length of tokens", "tokens", 8), ("tokens", "tokens", 16),
            ("length of nested", "nested", 8), ("length of nested", "nested", 20),
            ("dimension of weights", "weights", 4),
            ("offset of weights", "weights", 24),
        ]
        for lie in lies {
            let found = try error(patched(lie.text, lie.offset, value))
            if lie.field.hasPrefix("dimension") || lie.field.hasPrefix("offset") {
                #expect(found?.field.hasSuffix("weights") == true, "\(String(describing: found))")
            } else {
                #expect(found?.field == lie.field, "\(String(describing: found))")
            }
        }
    }

    @Test func dimensionsWhoseProductOverflowsAreRefused() throws {
        let extent = 1 << 32
        var writer = GGUFWriter()
        writer.addTensor("huge", shape: [extent, extent], ggmlType: 0, bytes: [0, 0, 0, 0])
        #expect(try error(writer.bytes())?.field == "dimensions of huge")
    }

    @Test func tensorsThatShareBytesAreRefused() throws {
        #expect(try error(patched("blocks", 24, 0))?.expected == "bytes of its own")
        #expect(try error(patched("blocks", 24, 33))?.expected == "a multiple of 32")
    }

    @Test(arguments: [0, 5]) func ranksOutOfRangeAreRefused(rank: Int) throws {
        var writer = GGUFWriter()
        writer.addTensor("odd", shape: Array(repeating: 1, count: rank), [0])
        #expect(try error(writer.bytes())?.field == "rank of odd")
    }

    @Test func emptyAndBrokenRowsAreRefused() throws {
        var writer = GGUFWriter()
        writer.addTensor("empty", shape: [0, 4], [])
        #expect(try error(writer.bytes())?.field == "dimension of empty")
        writer = GGUFWriter()
        writer.addTensor("broken", shape: [2, 16], ggmlType: 8, bytes: Array(repeating: 0, count: 34))
        #expect(try error(writer.bytes())?.field == "dimensions of broken")
        // Q4_K has blocks of 256.
        writer = GGUFWriter()
        writer.addTensor("half", shape: [2, 128], ggmlType: 12, bytes: Array(repeating: 0, count: 144))
        #expect(try error(writer.bytes())?.expected.contains("blocks of 256") == true)
    }

    @Test func deepArraysAreRefused() throws {
        var value = GGUFWriter.Value.array([.uint8(1)])
        for _ in 0..<100 { value = .array([value]) }
        var writer = GGUFWriter()
        writer.add("deep", value)
        #expect(try error(writer.bytes())?.found == "a deeper one")
    }

    @Test func otherVersionsAndMagicsAreRefused() throws {
        for version: UInt32 in [0, 1, 4, 3 << 24] {
            var writer = Self.sample()
            writer.version = version
            #expect(try error(writer.bytes())?.field == "version")
        }
        #expect(try error(Array("ggml".utf8) + Array(repeating: 0, count: 64))?.field == "magic")
    }

    @Test func whatIsNoFileIsRefused() throws {
        try withTemporaryFolder { folder throws in
            for path in [folder.path, folder.appendingPathComponent("none").path] {
                let error = #expect(throws: GGUFError.self) { try GGUFFile(path: path) }
                guard case .unreadable(let reason) = error else {
                    Issue.record("\(path)")
                    continue
                }
                #expect(reason.path == path)
            }
        }
    }
}
