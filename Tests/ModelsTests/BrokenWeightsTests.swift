import Checkpoints
import Foundation
import Models
import Tensors
import TestSupport
import Testing

/// Hugging Face folders whose weights or index are broken: each is refused with the file and the tensor or field.
@Suite struct BrokenWeightsTests {
    private static let single = "model.safetensors"
    private static let index = "model.safetensors.index.json"

    /// A safetensors file as its parts.
    private struct Weights {
        var header: [String: [String: Any]]
        var data: Data

        init(_ folder: TinyFolder) throws {
            let bytes = try Data(contentsOf: folder.url.appendingPathComponent(single))
            let length = Int(bytes[0]) | Int(bytes[1]) << 8 | Int(bytes[2]) << 16
            let json = try JSONSerialization.jsonObject(with: bytes[8..<8 + length]) as? [String: Any]
            header = (json ?? [:]).compactMapValues { $0 as? [String: Any] }.filter { $0.key != "__metadata__" }
            data = bytes[(8 + length)...]
        }

        func write(to folder: TinyFolder, name: String = single) throws {
            let json = try JSONSerialization.data(withJSONObject: header)
            let length = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) }
            try (length + json + data).write(to: folder.url.appendingPathComponent(name))
        }
    }

    private func message(_ folder: TinyFolder) -> String {
        let error = #expect(throws: (any Error).self) { try ModelCheckpoint(path: folder.path) }
        return error.map { "\($0)" } ?? ""
    }

    private static let query = "model.layers.1.self_attn.q_proj.weight"

    struct Lie: Sendable, CustomTestStringConvertible {
        let field: String
        let value: String
        let complaint: String

        init(_ field: String, _ value: String, _ complaint: String) {
            self.field = field
            self.value = value
            self.complaint = complaint
        }

        var testDescription: String { "\(field) \(value)" }
    }

    /// The query projection of the last layer has shape [32, 32] and 2,048 bytes of bfloat16.
    @Test(arguments: [
        Lie("dtype", "\"F32\"", "\(query): expected 4096 bytes for shape [32, 32] of F32, found 2048"),
        Lie("dtype", "\"I64\"", "tensor \(query) is of type I64, expected F32, F16 or BF16"),
        Lie("dtype", "\"F8_E4M3\"", "tensor \(query) is of type F8_E4M3, expected F32, F16 or BF16"),
        Lie("dtype", "7", "dtype"),
        Lie("shape", "[32, 33]", "\(query): expected 2112 bytes for shape [32, 33] of BF16, found 2048"),
        Lie("shape", "[1024]", "tensor \(query): expected shape [32, 32], found [1024] (llama)"),
        Lie("shape", "[16, 64]", "tensor \(query): expected shape [32, 32], found [16, 64] (llama)"),
        Lie("shape", "[-32, -32]", "\(query): expected extents of 0 or more"),
        Lie("shape", "[4294967296, 4294967296]", "\(query): expected extents of 0 or more"),
        Lie("shape", "null", "shape"),
        Lie("data_offsets", "[0, 2048]", "expected data_offsets from"),
        Lie("data_offsets", "[2048, 0]", "data_offsets"),
        Lie("data_offsets", "[0]", "data_offsets"),
        Lie("data_offsets", "[0, 9223372036854775807]", "data_offsets"),
        Lie("extra", "1", "extra"),
    ])
    func whatAHeaderSaysOfATensorIsChecked(lie: Lie) throws {
        try withTemporaryFolder { parent in
            let folder = try TinyFolder("families/llama", in: parent)
            var weights = try Weights(folder)
            weights.header[Self.query]?[lie.field] = try JSONSerialization.jsonObject(
                with: Data(lie.value.utf8), options: .fragmentsAllowed)
            try weights.write(to: folder)
            let message = message(folder)
            #expect(message.hasPrefix(folder.path) && message.contains(lie.complaint), "\(message)")
        }
    }

    @Test(arguments: [
        (query, "other.weight", "tensor \(query) is missing (llama)"),
        (
            "lm_head.weight", "score.weight",
            "tensor lm_head.weight is missing and tie_word_embeddings is not true (llama)"
        ),
        ("model.norm.weight", "model.norm.bias", "tensor model.norm.weight is missing (llama)"),
    ])
    func aTensorOfAnotherNameIsNamed(name: String, other: String, complaint: String) throws {
        try withTemporaryFolder { parent in
            let folder = try TinyFolder("families/llama", in: parent)
            var weights = try Weights(folder)
            weights.header[other] = weights.header.removeValue(forKey: name)
            try weights.write(to: folder)
            let message = message(folder)
            #expect(message == "\(folder.path): \(complaint)", "\(message)")
        }
    }

    @Test func biasesThatTheConfigurationDeniesAreNamed() throws {
        try withTemporaryFolder { parent in
            let folder = try TinyFolder("families/llama", in: parent)
            try folder.set("config.json", "attention_bias", to: "false")
            #expect(message(folder).hasSuffix("self_attn.k_proj.bias is not part of the architecture of llama"))
        }
    }

    @Test(arguments: [("num_hidden_layers", "1", "layers.1."), ("num_hidden_layers", "3", "layers.2.")])
    func layersThatAreTooManyOrTooFewAreNamed(field: String, value: String, complaint: String) throws {
        try withTemporaryFolder { parent in
            for (base, prefix) in [("families/llama", ""), ("smolvlm", "vision_config."), ("smolvlm", "text_config.")] {
                let folder = try TinyFolder(base, in: parent)
                try folder.set("config.json", prefix + field, to: value)
                let message = message(folder)
                #expect(message.hasPrefix(folder.path) && message.contains(complaint), "\(message)")
                try FileManager.default.removeItem(at: folder.url)
            }
        }
    }

    @Test(arguments: [
        ("dtype", "U8", "is of type U8, expected F32, F16 or BF16"), ("dtype", "F32", "expected shape [64, 192]"),
    ])
    func aTensorOfTheVisionIsNamed(field: String, value: String, complaint: String) throws {
        try withTemporaryFolder { parent in
            let folder = try TinyFolder("smolvlm", in: parent)
            var weights = try Weights(folder)
            let name = "model.connector.modality_projection.proj.weight"
            weights.header[name]?[field] = value
            if value == "F32" { weights.header[name]?["shape"] = [192, 64] }
            try weights.write(to: folder)
            let message = message(folder)
            #expect(message.hasPrefix(folder.path) && message.contains(name), "\(message)")
            #expect(message.contains(complaint), "\(message)")
        }
    }

    /// A tensor of integers that nobody reads is no fault.
    @Test func anotherTensorOfIntegersIsLeftAlone() throws {
        try withTemporaryFolder { parent in
            let folder = try TinyFolder("families/llama", in: parent)
            var weights = try Weights(folder)
            let end = weights.data.count
            weights.header["model.position_ids"] = ["dtype": "I64", "shape": [1], "data_offsets": [end, end + 8]]
            weights.data += Data(repeating: 0, count: 8)
            try weights.write(to: folder)
            _ = try ModelCheckpoint(path: folder.path)
        }
    }

    @Test func filesThatAreCutOrNoFilesAreNamed() throws {
        try withTemporaryFolder { parent in
            let folder = try TinyFolder("families/llama", in: parent)
            let file = folder.url.appendingPathComponent(Self.single)
            let whole = try Data(contentsOf: file)
            for count in [0, 4, 8, 100, whole.count - 1] {
                try whole[..<count].write(to: file)
                #expect(message(folder).hasPrefix(file.path), "\(count) bytes")
            }
            for bytes in [whole + [0], Data(repeating: 0xFF, count: 64), Data("GGUF".utf8) + whole] {
                try bytes.write(to: file)
                #expect(message(folder).hasPrefix(file.path))
            }
            try FileManager.default.removeItem(at: file)
            try FileManager.default.createDirectory(at: file, withIntermediateDirectories: false)
            #expect(message(folder).hasPrefix("\(file.path): cannot"))
            try FileManager.default.removeItem(at: file)
            // The link leads to itself: there is no file, and the folder has no index.
            try FileManager.default.createSymbolicLink(at: file, withDestinationURL: file)
            #expect(message(folder).hasPrefix(folder.path))
        }
    }

    @Test(arguments: [
        ("\"../qwen3/model-00001-of-00002.safetensors\"", "expected the name of a file beside it"),
        ("\"/etc/passwd\"", "expected the name of a file beside it"),
        ("\"model.safetensors.index.json\"", "expected the name of a file beside it"),
        ("7", "expected the name of a file beside it"),
        ("{}", "expected the name of a file beside it"),
        ("\"model-00002-of-00002.safetensors\"", "model-00002-of-00002.safetensors has no tensor"),
        ("\"model-00003-of-00002.safetensors\"", "model-00003-of-00002.safetensors: cannot open"),
    ])
    func anIndexThatLeadsElsewhereIsNamed(file: String, complaint: String) throws {
        try withTemporaryFolder { parent in
            let folder = try TinyFolder("families/qwen3", in: parent)
            let path = folder.url.appendingPathComponent(Self.index)
            var index = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: path)) as? [String: Any])
            var map = try #require(index["weight_map"] as? [String: Any])
            map["model.embed_tokens.weight"] = try JSONSerialization.jsonObject(
                with: Data(file.utf8), options: .fragmentsAllowed)
            index["weight_map"] = map
            try JSONSerialization.data(withJSONObject: index).write(to: path)
            let message = message(folder)
            #expect(message.hasPrefix(folder.path) && message.contains(complaint), "\(message)")
        }
    }

    @Test(arguments: [
        ("", "not JSON that can be read"), ("{}", "weight_map: expected an object, found nothing"),
        ("{\"weight_map\": []}", "weight_map: expected an object, found an array"),
        ("{\"weight_map\": {}}", "weight_map: expected 1 to 1024 files, found 0"),
    ])
    func anIndexThatIsNoneIsNamed(text: String, complaint: String) throws {
        try withTemporaryFolder { parent in
            let folder = try TinyFolder("families/qwen3", in: parent)
            try folder.write(text, to: Self.index)
            let message = message(folder)
            #expect(message.hasPrefix("\(folder.path)/\(Self.index): ") && message.contains(complaint), "\(message)")
        }
    }

    @Test func aTensorInTwoShardsIsNamed() throws {
        try withTemporaryFolder { parent in
            let folder = try TinyFolder("families/qwen3", in: parent)
            let shards = (1...2).map { folder.url.appendingPathComponent("model-0000\($0)-of-00002.safetensors") }
            try FileManager.default.removeItem(at: shards[1])
            try FileManager.default.copyItem(at: shards[0], to: shards[1])
            #expect(message(folder).contains("is in another shard too"))
        }
    }
}
