import Foundation
public import Tensors

extension SafetensorsFile {
    /// Writes `tensors` to `path` in `format`, rounding to the nearest number, ties to even.
    ///
    /// The same tensors and metadata give the same bytes: names are sorted, and the header ends at a multiple of 8.
    /// The file is written atomically and replaces an older one.
    public static func write(
        _ tensors: [String: Tensor], as format: FloatFormat, metadata: [String: String] = [:], to path: String
    ) throws(SafetensorsError) {
        var entries: [String: SafetensorsHeader.Entry] = [:]
        var end = 0
        let sorted = tensors.sorted { $0.key < $1.key }
        for (name, tensor) in sorted {
            let start = end
            end += tensor.count * format.element.blockBytes
            entries[name] = .init(dtype: format.rawValue, shape: tensor.shape, offsets: [start, end])
        }
        let header: [UInt8]
        do { header = try SafetensorsHeader(metadata: metadata, entries: entries).bytes() } catch {
            throw .badHeader(path: path, reason: "\(error)")
        }
        do {
            try AtomicFile.write(to: path) { append throws(FileError) in
                try append(header)
                for (_, tensor) in sorted { try append(format.bytes(of: tensor)) }
            }
        } catch {
            throw .file(error)
        }
    }
}

extension SafetensorsHeader {
    /// The header as stored in the file: its length, then the JSON, padded with spaces to a multiple of 8.
    fileprivate func bytes() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var json = [UInt8](try encoder.encode(self))
        json += Array(repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8)
        return withUnsafeBytes(of: UInt64(json.count).littleEndian, Array.init) + json
    }
}

extension FloatFormat {
    /// The elements of `tensor` in this format, little-endian.
    fileprivate func bytes(of tensor: Tensor) -> [UInt8] {
        tensor.withUnsafeElements { elements in
            switch self {
            case .float32:
                Array(UnsafeRawBufferPointer(elements))
            case .float16:
                elements.map { Float16($0).bitPattern.littleEndian }.withUnsafeBytes(Array.init)
            case .bfloat16:
                elements.map(\.bfloat16.littleEndian).withUnsafeBytes(Array.init)
            }
        }
    }
}
