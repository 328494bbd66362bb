import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing

/// Opens `bytes` as a GGUF file and hands it to `body`.
private func open<R>(_ bytes: [UInt8], _ body: (GGUFFile) throws -> R) throws -> R {
    try withTemporaryFolder { folder in
        let path = folder.appendingPathComponent("model.gguf").path
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return try body(GGUFFile(path: path))
    }
}

/// What is wrong with `bytes`; nil if nothing is.
private func fault(_ bytes: [UInt8]) throws -> FileFault? {
    do {
        try open(bytes) { _ in }
        return nil
    } catch GGUFError.malformed(_, let fault) {
        return fault
    }
}

private func sample() -> GGUFWriter {
    var writer = GGUFWriter()
    writer.add("general.architecture", .string("llama"))
    writer.add("tokens", .array([.string("a"), .string(""), .string("Ġb")]))
    writer.add("nested", .array([.array([.int8(-1)]), .array([.int8(2), .int8(3)])]))
    writer.add("scale", .float32(0.5))
    writer.addTensor("weights", shape: [2, 3], [1, 2, 3, 4, 5, 6])
    writer.addTensor("blocks", shape: [1, 32], ggmlType: 8, bytes: [0, 0x3C] + (0..<32).map { UInt8($0) })
    return writer
}

@Suite struct GGUFFileTests {
    @Test(arguments: [2, 3]) func everyValueTypeIsRead(version: UInt32) throws {
        var writer = GGUFWriter()
        writer.version = version
        let values: [(GGUFWriter.Value, GGUFValue)] = [
            (.uint8(200), .unsigned(200)), (.int8(-100), .signed(-100)), (.uint16(60_000), .unsigned(60_000)),
            (.int16(-30_000), .signed(-30_000)), (.uint32(4_000_000_000), .unsigned(4_000_000_000)),
            (.int32(-2_000_000_000), .signed(-2_000_000_000)), (.uint64(.max), .unsigned(.max)),
            (.int64(.min), .signed(.min)), (.float32(0.25), .float(0.25)), (.float64(-1e300), .float(-1e300)),
            (.bool(true), .bool(true)), (.string("Grüße"), .string("Grüße")),
        ]
        for (index, (written, _)) in values.enumerated() {
            writer.add("value.\(index)", written)
            writer.add("list.\(index)", .array([written, written]))
        }
        writer.add("nested", .array([.array([.uint16(1), .uint16(2)]), .array([.string("x")])]))
        try open(writer.bytes()) { file throws in
            for (index, (_, expected)) in values.enumerated() {
                #expect(file.metadata["value.\(index)"] == expected)
                #expect(file.metadata["list.\(index)"] == .array(twice(expected)))
            }
            #expect(file.metadata["nested"] == .array(.arrays([.unsigned([1, 2]), .strings(["x"])])))
            #expect(file.metadata.count == 2 * values.count + 1)
        }
    }

    private func twice(_ value: GGUFValue) -> GGUFArray {
        switch value {
        case .unsigned(let number): .unsigned([number, number])
        case .signed(let number): .signed([number, number])
        case .float(let number): .floats([number, number])
        case .bool(let flag): .bools([flag, flag])
        case .string(let text): .strings([text, text])
        case .array(let array): .arrays([array, array])
        }
    }

    @Test func tensorsHaveTheirShapesOutermostFirst() throws {
        try open(sample().bytes()) { file throws in
            let weights = try file.float("weights")
            #expect(weights.shape == [2, 3])
            #expect(weights.elements == [1, 2, 3, 4, 5, 6])
            let blocks = try file.tensor("blocks")
            #expect(blocks.type == .blocks(.q8_0) && blocks.byteCount == 34)
            #expect(blocks.withBytes { $0[33] } == 31)
            #expect(blocks.floats().elements == (0..<32).map(Float.init))
            #expect(throws: GGUFError.missingTensor(path: file.path, name: "bias")) { try file.tensor("bias") }
        }
    }

    @Test func metadataAccessorsSayWhatIsWrong() throws {
        try open(sample().bytes()) { file throws in
            #expect(try file.strings("tokens") == ["a", "", "Ġb"])
            #expect(try file.number("scale") == 0.5)
            let missing = #expect(throws: GGUFError.self) { try file.integer("llama.block_count") }
            #expect(missing?.description.contains("llama.block_count: expected an integer") == true)
            let wrong = #expect(throws: GGUFError.self) { try file.integer("tokens") }
            #expect(wrong?.description.contains("found an array of strings") == true)
        }
    }

    @Test(arguments: [(9, "Q8_1"), (15, "Q8_K"), (16, "IQ2_XXS"), (29, "IQ1_M"), (99, "type 99")])
    func otherTypesAreNamed(code: UInt32, name: String) throws {
        var writer = sample()
        writer.addTensor("odd", shape: [256], ggmlType: code, bytes: Array(repeating: 0, count: 1_024))
        let error = #expect(throws: GGUFError.self) { try open(writer.bytes()) { _ in } }
        guard case .unsupportedType(_, "odd", name, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func alignmentIsHonoured() throws {
        var writer = sample()
        writer.alignment = 256
        writer.add("general.alignment", .uint32(256))
        try open(writer.bytes()) { file throws in #expect(try file.float("weights").elements == [1, 2, 3, 4, 5, 6]) }
        for wrong: UInt32 in [0, 3, 1 << 20] {
            writer = sample()
            writer.add("general.alignment", .uint32(wrong))
            #expect(try fault(writer.bytes())?.field == "general.alignment")
        }
    }

    /// The tiny llama's files: golden values of other tests belong to these bytes.
    @Test func aWrittenFileHasTheSameBytesAsEver() throws {
        let digests: [(TinyLlama.Format, String)] = [
            (.float32, "df53ddb3f7a09cd53549e8a5cec21b47acc729d9791b871900f4f5e434fe12ce"),
            (.q4_1, "b1902ba5aac81c9e1d895aae289a4c9cdab4bc55907d8a752acb2fded6d8d8f3"),
        ]
        for (format, digest) in digests {
            #expect(try FileDigest(path: TinyLlama.file(format).path).sha256 == digest)
        }
    }

    @Test func duplicatesAreRefused() throws {
        var writer = sample()
        writer.add("scale", .float32(1))
        #expect(try fault(writer.bytes())?.found == "scale twice")
        writer = sample()
        writer.addTensor("weights", shape: [1], [0])
        #expect(try fault(writer.bytes())?.found == "weights twice")
    }
}
