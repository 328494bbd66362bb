import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing

/// Files written by the formats' own Python packages.
@Suite struct ReferenceFormatsTests {
    @Test func safetensorsOfEveryFloatTypeAreRead() throws {
        let file = try SafetensorsFile(path: fixtureURL("formats.safetensors").path)
        let formats: [String: FloatFormat] = [
            "f32": .float32, "f16": .float16, "bf16": .bfloat16, "scalar": .float32, "empty": .float32,
        ]
        #expect(file.entries.mapValues(\.format) == formats)
        let expected = try file.tensor("f32", shape: [3, 64]).elements
        #expect(Set(expected).count > 100)
        #expect(try file.tensor("f16", shape: [3, 64]).elements == expected)
        #expect(try file.tensor("bf16", shape: [3, 64]).elements == expected)
        #expect(try file.tensor("scalar", shape: []).elements == [2.5])
        #expect(try file.tensor("empty", shape: [0, 4]).count == 0)
    }

    @Test func safetensorsMetadataIsUnescaped() throws {
        let file = try SafetensorsFile(path: fixtureURL("formats.safetensors").path)
        let text = try #require(file.metadata["provenance"])
        let provenance = try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
        #expect(provenance["note"] == "quotes \", slashes / \\, ümläuts, \u{2028}")
    }

    /// The file that the `gguf` package wrote; its bytes stay mapped.
    private func gguf(_ fixture: String = "formats.json") throws -> GGUFFile {
        struct Formats: Decodable { var gguf: Data }
        let formats = try JSONDecoder().decode(Formats.self, from: Data(contentsOf: fixtureURL(fixture)))
        return try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("formats.gguf")
            try formats.gguf.write(to: url)
            return try GGUFFile(path: url.path)
        }
    }

    @Test(arguments: ["bf16", "q4_0", "q4_1", "q8_0"]) func ggufTensorsAreDequantisedAlike(name: String) throws {
        let file = try gguf()
        let tensor = try file.float(name)
        let expected = try file.float("\(name).expected")
        #expect(tensor.shape == [3, 64] && expected.shape == [3, 64])
        #expect(Set(expected.elements).count > 20)
        for (row, scale) in [Float(1), 0.01, 30].enumerated() {
            let pairs = zip(tensor.rows(row..<row + 1).elements, expected.rows(row..<row + 1).elements)
            // Both compute in fp32, but only one of them may fuse scale and minimum into one rounding.
            #expect(pairs.allSatisfy { abs($0 - $1) <= 1e-6 * scale * 4 })
        }
    }

    @Test(arguments: BlockFormat.allCases) func blocksAreDequantisedToTheBit(format: BlockFormat) throws {
        let (file, compute) = (try gguf("blocks.json"), Compute(threads: 1))
        let tensor = try file.tensor("\(format)")
        let expected = try file.float("\(format).expected").elements.map(\.bitPattern)
        #expect(tensor.type == .blocks(format) && Set(expected).count > 20)
        #expect(tensor.floats().elements.map(\.bitPattern) == expected)
        let source = QuantizedMatrix.Source(format: tensor.type, outputs: 2) { tensor.withBytes($0) }
        let matrix = QuantizedMatrix(inputs: 512, concatenating: [source], compute: compute)
        #expect(compute.dequantize(matrix).elements.map(\.bitPattern) == expected)
        #expect(compute.rows([1, 0, 1], of: matrix).rows(1..<2).elements.map(\.bitPattern) == Array(expected[..<512]))
    }

    @Test(arguments: ["f32", "f16", "bf16"]) func floatsAreRoundedToBytesAlike(name: String) throws {
        let (file, compute) = (try gguf(), Compute(threads: 1))
        let tensor = try file.tensor(name)
        let source = QuantizedMatrix.Source(format: tensor.type, outputs: 3) { tensor.withBytes($0) }
        let matrix = QuantizedMatrix(inputs: 64, concatenating: [source], compute: compute)
        #expect(compute.dequantize(matrix).elements == (try file.float("q8_0").elements))
    }

    @Test func ggufFloatsAreExact() throws {
        let file = try gguf()
        let expected = try SafetensorsFile(path: fixtureURL("formats.safetensors").path).tensor("f32").elements
        #expect(try file.float("f32").elements == expected)
        #expect(try file.float("f16").elements == expected)
        #expect(try file.float("bf16").elements == expected)
    }

    @Test func ggufMetadataOfEveryTypeIsRead() throws {
        let file = try gguf()
        let expected: [String: GGUFValue] = [
            "uint8": .unsigned(200), "int8": .signed(-100), "uint16": .unsigned(60_000), "int16": .signed(-30_000),
            "uint32": .unsigned(4_000_000_000), "int32": .signed(-2_000_000_000), "uint64": .unsigned(1 << 63),
            "int64": .signed(-(1 << 62)), "float32": .float(0.25), "float64": .float(1e300), "bool": .bool(true),
            "string": .string("Grüße"), "strings": .array(.strings(["a", "", "Ġb"])),
            "integers": .array(.signed([1, -2, 3])), "floats": .array(.floats([0.5, -1.5])),
        ]
        for (key, value) in expected { #expect(file.metadata["kinds.\(key)"] == value, "\(key)") }
        #expect(try file.string("general.architecture") == "llama")
        #expect(throws: GGUFError.self) { try file.integer("kinds.uint64") }
        #expect(try file.integer("kinds.int64") == -(1 << 62))
    }
}
