import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing

/// The bytes of a safetensors file with the given header and data.
private func file(_ header: String, data: [UInt8]) -> [UInt8] {
    withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian, Array.init) + Array(header.utf8) + data
}

/// Opens `bytes` and reads every tensor; gives the error if there is one.
private func failure(of bytes: [UInt8], in folder: URL) throws -> SafetensorsError? {
    // A new file each time: to shorten one makes some file systems flush it.
    let path = folder.appendingPathComponent(UUID().uuidString).path
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    do throws(SafetensorsError) {
        let file = try SafetensorsFile(path: path)
        for (name, entry) in file.entries {
            let tensor = try file.tensor(name)
            #expect(tensor.shape == entry.shape)
        }
        return nil
    } catch {
        return error
    }
}

@Suite struct SafetensorsFileTests {
    @Test(arguments: FloatFormat.allCases) func whatIsWrittenIsRead(format: FloatFormat) throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appendingPathComponent("model.safetensors").path
            let values: [Float] = [0, -0.0, 1, -2.5, 65_504, 0.5, .infinity, 1.0009765625]
            let tensors = [
                "b.weight": Tensor(values, shape: [2, 4]), "a": Tensor([3], shape: []),
                "empty": Tensor([] as [Float], shape: [0, 5]),
            ]
            try SafetensorsFile.write(tensors, as: format, metadata: ["made by": "\"us\"/ü"], to: path)
            let file = try SafetensorsFile(path: path)
            #expect(file.metadata == ["made by": "\"us\"/ü"])
            #expect(Set(file.entries.keys) == ["a", "b.weight", "empty"])
            #expect(file.entries.values.allSatisfy { $0.format == format })
            #expect(try file.tensor("a").elements == [3])
            #expect(try file.tensor("empty", shape: [0, 5]).count == 0)
            let read = try file.tensor("b.weight", shape: [2, 4]).elements
            switch format {
            case .float32: #expect(read == values)
            case .float16: #expect(read == values.map { Float(Float16($0)) })
            case .bfloat16: #expect(read == [0, -0.0, 1, -2.5, 65_536, 0.5, .infinity, 1])
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model.safetensors"])
        }
    }

    @Test func bfloat16RoundsToTheNearestAndTiesToEven() throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appendingPathComponent("rounding.safetensors").path
            let bits: [(UInt32, UInt32)] = [
                (0x3F80_7FFF, 0x3F80_0000), (0x3F80_8000, 0x3F80_0000), (0x3F80_8001, 0x3F81_0000),
                (0x3F81_8000, 0x3F82_0000), (0xBF81_8000, 0xBF82_0000), (0x7F7F_FFFF, 0x7F80_0000),
                (0x0000_8001, 0x0001_0000),
            ]
            let tensor = Tensor(bits.map { Float(bitPattern: $0.0) } + [.nan], shape: [bits.count + 1])
            try SafetensorsFile.write(["x": tensor], as: .bfloat16, to: path)
            let read = try SafetensorsFile(path: path).tensor("x").elements
            #expect(read.dropLast().map(\.bitPattern) == bits.map(\.1))
            #expect(read.last?.isNaN == true)
        }
    }

    @Test func sameTensorsGiveTheSameBytesWithAnAlignedHeader() throws {
        try withTemporaryFolder { folder throws in
            var files: [Data] = []
            for run in 0..<2 {
                var tensors: [String: Tensor] = [:]
                for index in 0..<40 { tensors["layer.\((index * 7 + run * 13) % 40)"] = Tensor([1, 2], shape: [2]) }
                let url = folder.appendingPathComponent("\(run).safetensors")
                try SafetensorsFile.write(tensors, as: .float16, metadata: ["b": "1", "a": "2"], to: url.path)
                files.append(try Data(contentsOf: url))
            }
            #expect(files[0] == files[1])
            let length = files[0].prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
            #expect(length % 8 == 0 && files[0].count == 8 + length + 40 * 4)
        }
    }

    @Test func otherTypesAreNamed() throws {
        try withTemporaryFolder { folder throws in
            let bytes = file(
                #"{"ids":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#, data: Array(repeating: 0, count: 8))
            let error = try failure(of: bytes, in: folder)
            guard case .unsupportedType(_, "ids", "I64") = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test func shapesAndNamesAreChecked() throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appendingPathComponent("model.safetensors").path
            try SafetensorsFile.write(["a": Tensor([1, 2], shape: [2])], as: .float32, to: path)
            let file = try SafetensorsFile(path: path)
            #expect(throws: SafetensorsError.missingTensor(path: path, name: "b")) { try file.tensor("b", shape: [2]) }
            #expect(throws: SafetensorsError.wrongShape(path: path, tensor: "a", expected: [1, 2], found: [2])) {
                try file.tensor("a", shape: [1, 2])
            }
        }
    }
}

@Suite struct HostileSafetensorsTests {
    private static let header = #"""
        {"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"BF16",\#
        "shape":[1,3],"data_offsets":[8,14]}}
        """#
    private static let sample = file(header, data: (0..<14).map { UInt8($0) })

    @Test func everyPrefixIsRefused() throws {
        try withTemporaryFolder { folder throws in
            #expect(try failure(of: Self.sample, in: folder) == nil)
            for length in Self.sample.indices {
                #expect(try failure(of: Array(Self.sample[..<length]), in: folder) != nil, "\(length) bytes")
            }
            #expect(try failure(of: Self.sample + [0], in: folder) != nil)
        }
    }

    @Test func everyFlippedByteIsSurvived() throws {
        try withTemporaryFolder { folder throws in
            var refused = 0
            for position in Self.sample.indices {
                for mask: UInt8 in [0x01, 0x02, 0x10, 0x80, 0xFF] {
                    var bytes = Self.sample
                    bytes[position] ^= mask
                    if try failure(of: bytes, in: folder) != nil { refused += 1 }
                }
            }
            #expect(refused > Self.sample.count)
        }
    }

    @Test(arguments: [UInt64.max, 1 << 63, 1 << 62, 100_000_001, 1_000])
    func headerLengthsThatLieAreRefused(length: UInt64) throws {
        try withTemporaryFolder { folder throws in
            var bytes = Self.sample
            bytes.replaceSubrange(0..<8, with: withUnsafeBytes(of: length.littleEndian, Array.init))
            guard case .malformed = try failure(of: bytes, in: folder) else {
                Issue.record("\(length)")
                return
            }
        }
    }

    @Test(arguments: [
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9223372036854775807]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,99999999999999999999]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"extra":1}}"#,
        #"{"a":{"dtype":"F32","shape":[2]}}"#, #"{"a":[1]}"#, #"[1]"#, #"null"#, "", "{",
        #"{"__metadata__":{"k":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
    ])
    func headersThatLieAreRefused(header: String) throws {
        try withTemporaryFolder { folder throws in
            guard
                case .badHeader(_, let reason) = try failure(
                    of: file(header, data: [0, 0, 0, 0, 0, 0, 0, 0]), in: folder)
            else {
                Issue.record("\(header.prefix(200))")
                return
            }
            #expect(!reason.isEmpty)
        }
    }

    @Test func deepHeadersAreRefused() throws {
        try withTemporaryFolder { folder throws in
            let header = #"{"a":"# + String(repeating: "[", count: 100_000)
            #expect(try failure(of: file(header, data: []), in: folder) != nil)
        }
    }
}
